import type { Config } from "../config/config.js";
import type { IdentityMethods } from "../identity/caller-identity.js";
import { KnownTokens } from "../identity/known-tokens.js";

/** How a configuration identifies callers. */
export function identityMethods({ authentication }: Config): IdentityMethods {
  return { tokens: authentication && new KnownTokens(authentication.tokens.entries) };
}
