import { isSecretError, SecretError } from "../domain/secret-error.js";

/** Why an answer is not given. */
export interface TooOld {
  readonly ageMs: number;
  /** The oldest that may be given. */
  readonly boundMs: number;
  /** What the manager failed with. */
  readonly cause?: unknown;
}

/** All there is of a secret is older than it may be. */
export function staleTooOld(name: string, { ageMs, boundMs, cause }: TooOld): SecretError {
  const retryAfterMs = isSecretError(cause) ? cause.retryAfterMs : undefined;
  return new SecretError("STALE_TOO_OLD", `all there is of secret "${name}" is older than it may be`, {
    cause,
    metadata: { name, age_ms: String(Math.ceil(ageMs)), max_age_ms: String(Math.floor(boundMs)) },
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}
