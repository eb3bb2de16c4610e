import type { Config } from "../config/config.js";
import type { IdentityMethods } from "../identity/caller-identity.js";
import { KnownCertificates } from "../identity/known-certificates.js";
import { KnownTokens } from "../identity/known-tokens.js";

/** How a configuration identifies callers. */
export function identityMethods({ authentication }: Config): IdentityMethods {
  const { tokens, certificates, forwarded } = authentication ?? {};
  return {
    tokens: tokens && new KnownTokens(tokens.entries),
    certificates: certificates && new KnownCertificates({ ...certificates, proxies: forwarded?.proxies }),
  };
}
