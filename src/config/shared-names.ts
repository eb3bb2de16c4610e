import type { AuthenticationConfig } from "./authentication-config.js";
import type { ListenAddress } from "./config.js";
import type { ConfigProblems } from "./config-problems.js";
import type { JwtPrincipalConfig } from "./jwt-config.js";

/**
 * Notes where a token of an issuer could make somebody who proves himself in another way: a principal is a name, and
 * policies do not ask how it was proven.
 */
export function warnOfSharedNames(
  problems: ConfigProblems,
  listen: readonly ListenAddress[],
  authentication: AuthenticationConfig | undefined,
): void {
  const others = otherMethods(listen, authentication);
  if (others.length === 0) return;
  for (const [index, { principal }] of (authentication?.jwt ?? []).entries()) {
    if (hasOwnText(principal)) continue;
    const fix = 'begin it with a text that only this issuer\'s have, such as "oidc:{sub}"';
    problems.warn(
      ["secret_broker", "authentication", "jwt", index, "principal"],
      `is made of claims alone, so a token of this issuer can be the principal of ${others.join(" or ")}; ${fix}`,
    );
  }
}

function otherMethods(listen: readonly ListenAddress[], authentication: AuthenticationConfig | undefined): string[] {
  return [
    ...(authentication?.tokens === undefined ? [] : ["a token of the tokens file"]),
    ...(authentication?.certificates === undefined ? [] : ["a client certificate"]),
    ...(listen.some((address) => "workload" in address) ? ["a socket"] : []),
  ];
}

/** A text at an end; one between two claims is in the power of whoever chooses a claim. */
function hasOwnText(principal: JwtPrincipalConfig): boolean {
  if (principal.kind === "kubernetes") return true;
  return [principal.parts.at(0), principal.parts.at(-1)].some((part) => part !== undefined && "text" in part);
}
