import type { AuthenticationConfig } from "./authentication-config.js";
import type { ListenAddress, TlsConfig } from "./config.js";
import type { ConfigProblems } from "./config-problems.js";
import { isLocalAddress } from "./listen-address.js";
import type { SettingPath } from "./setting-path.js";

const listenPath: SettingPath = ["secret_broker", "listen"];
const authenticationPath: SettingPath = ["secret_broker", "authentication"];

/** Notes where the listeners of a file and how callers are told apart do not fit together. */
export function refuseListenerConflicts(
  problems: ConfigProblems,
  listen: readonly ListenAddress[],
  authentication: AuthenticationConfig | undefined,
): void {
  const encrypted = listen.filter((address) => tlsOf(address) !== undefined);
  if (authentication === undefined && !encrypted.every(isLocalAddress)) {
    const fix = "without authentication only this machine is served; add secret_broker.authentication";
    problems.refuse(listenPath, `serves other machines by its tls; ${fix}`);
  }
  const askForCertificates = encrypted.some((address) => tlsOf(address)?.clientCertificates !== "none");
  if (authentication?.certificates === undefined) {
    if (!askForCertificates) return;
    const fix = "say which are accepted with secret_broker.authentication.certificates";
    problems.refuse(listenPath, `asks clients for certificates that prove nothing; ${fix}`);
  } else if (!askForCertificates) {
    const fix = "give a listener tls.client_ca, or remove it";
    problems.refuse([...authenticationPath, "certificates"], `is not used, as no listener asks for them; ${fix}`);
  }
}

function tlsOf(address: ListenAddress): TlsConfig | undefined {
  return address.kind === "tcp" ? address.tls : undefined;
}
