import { isDeepStrictEqual } from "node:util";
import { SecretError } from "../domain/secret-error.js";
import type { Call } from "./call.js";
import type { Options } from "./guarded-call.js";

/** Options that each call of a principal carries. */
export type BoundOptions = ReadonlyMap<string, Options>;

/**
 * The options a manager sees: the caller's, and those bound to its principal, so that its calls only ever go to its own
 * place.
 * @throws SecretError `POLICY_DENIED` for another value of one that is bound; the message names it and no value
 */
export function withBoundOptions(
  bound: BoundOptions,
  { caller }: Pick<Call, "caller">,
  given: Options | undefined,
): Options | undefined {
  const own = bound.size === 0 ? undefined : bound.get(caller.principal);
  if (own === undefined) return given;
  for (const key of Object.keys(given ?? {})) {
    if (Object.hasOwn(own, key) && !isDeepStrictEqual(given?.[key], own[key])) throw boundToAnother(key);
  }
  return { ...given, ...own };
}

function boundToAnother(key: string): SecretError {
  // The key is the configuration's own, or it would not be bound.
  return new SecretError(
    "POLICY_DENIED",
    `the option "${key}" is bound to another value for this caller; leave it out`,
  );
}
