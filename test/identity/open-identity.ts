import type { JwtIssuerConfig, RemoteKeysConfig } from "../../src/config/jwt-config.js";
import type { Caller } from "../../src/domain/caller.js";
import { isSecretError } from "../../src/domain/secret-error.js";
import { CallerIdentity, type IdentityMethods } from "../../src/identity/caller-identity.js";
import { KeySources } from "../../src/identity/jwks-sources.js";
import { configOf, withMemory } from "../config/config-text.js";
import type { Issuer } from "./issuer.js";

/** An identity over real issuers, as a broker has it. */
export interface OpenIdentity {
  readonly identity: CallerIdentity;
  readonly sources: KeySources;
  readonly methods: IdentityMethods;
  /** How often keys changed, and what failed. */
  readonly changes: string[];
  readonly failures: string[];
  close(): void;
}

/** One issuer's settings: the defaults, and more as YAML in one line, `a: 1, b: 2`. */
export function trust(issuer: Issuer, more = ""): JwtIssuerConfig {
  const [keys = "", rest = ""] = /jwks_|discovery/u.test(more) ? ["", more] : [`jwks_url: ${issuer.keysUrl}`, more];
  const settings = [`issuer: "${issuer.url}"`, `audiences: [${issuer.audience}]`, keys, "clock_tolerance: 0s", rest];
  return issuersOf(`[{ ${settings.filter((each) => each !== "").join(", ")} }]`);
}

function issuersOf(list: string): JwtIssuerConfig {
  const { authentication } = configOf(withMemory(`  authentication: { jwt: ${list} }\n`));
  const [first] = authentication?.jwt ?? [];
  if (first === undefined) throw new TypeError("no issuer");
  return first;
}

/** The same with times that a configuration does not allow, so that a test need not wait. */
export function withTimes(config: JwtIssuerConfig, times: Partial<RemoteKeysConfig>): JwtIssuerConfig {
  return config.keys.kind === "file" ? config : { ...config, keys: { ...config.keys, ...times } };
}

/** Opens it. */
export function openIdentity(...issuers: readonly JwtIssuerConfig[]): OpenIdentity {
  const changes: string[] = [];
  const failures: string[] = [];
  const sources = new KeySources({
    changed: (issuer) => changes.push(issuer),
    failed: (_issuer, thrown) => failures.push(thrown instanceof Error ? thrown.message : "?"),
  });
  const methods: IdentityMethods = { tokens: undefined, certificates: undefined, jwt: sources.callersOf(issuers) };
  sources.open();
  const identity = new CallerIdentity(() => methods);
  return { identity, sources, methods, changes, failures, close: () => sources.close() };
}

/** Who a token proves. */
export async function callerOf({ identity }: OpenIdentity, token: string, peer = "127.0.0.1:1"): Promise<Caller> {
  return await identity.identify({ peer, authorization: `Bearer ${token}` });
}

/** How it ends for whoever brings a token that nobody is known to have signed; what is in the log follows. */
export const unproven = "CREDENTIAL_INVALID the bearer token is not valid; the bearer token ";

/** What a token ends with: `principal` or `REASON message`, and after a semicolon what only the log says. */
export async function outcomeOf(opened: OpenIdentity, token: string): Promise<string> {
  try {
    return (await callerOf(opened, token)).principal;
  } catch (error) {
    if (!isSecretError(error)) throw error;
    const forTheLog = error.cause instanceof Error ? `; ${error.cause.message}` : "";
    return `${error.reason} ${error.message}${forTheLog}`;
  }
}
