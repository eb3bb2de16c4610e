import type { Config } from "../config/config.js";
import type { IdentityMethods } from "../identity/caller-identity.js";
import type { KeyEvents } from "../identity/jwks-remote.js";
import type { KeySources } from "../identity/jwks-sources.js";
import { KnownCertificates } from "../identity/known-certificates.js";
import { KnownTokens } from "../identity/known-tokens.js";
import type { Log } from "../log/log.js";

/** How a configuration identifies callers. @param keys those of issuers, which outlast a change of the configuration */
export function identityMethods({ authentication }: Config, keys: KeySources): IdentityMethods {
  const { tokens, certificates, forwarded, jwt = [] } = authentication ?? {};
  return {
    tokens: tokens && new KnownTokens(tokens.entries),
    certificates: certificates && new KnownCertificates({ ...certificates, proxies: forwarded?.proxies }),
    jwt: keys.callersOf(jwt),
  };
}

/** Logs what becomes of issuers' keys. @param onChange is told when an issuer has other keys */
export function keyEvents(log: Log, onChange: () => void): KeyEvents {
  return {
    changed: (issuer, { size }) => {
      log.info({ issuer, keys: size }, "the keys of an issuer of tokens were fetched");
      onChange();
    },
    failed: (issuer, thrown, isUsable) => {
      const line = isUsable
        ? "the keys of an issuer of tokens could not be fetched; those there are stay in use"
        : "the keys of an issuer of tokens could not be fetched, and its tokens cannot be verified";
      log.warn({ issuer }, line, { thrown });
    },
  };
}
