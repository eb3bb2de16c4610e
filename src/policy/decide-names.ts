import type { Action } from "../domain/action.js";
import type { Caller } from "../domain/caller.js";
import type { SecretName } from "../domain/secret-name.js";
import type { Decision, Part, Policy } from "./policy.js";

/** What one call wants. */
export interface NamesRequest {
  readonly action: Action;
  /** The names it touches; none for an action that has no one name. */
  readonly names: readonly SecretName[];
  /** What it wants of its one name, when that is not all of the active version. */
  readonly part?: Part | undefined;
}

/** A call that touches several names is allowed only if each is; the first refusal decides. */
export function decideNames(policy: Policy, caller: Caller, { action, names, part }: NamesRequest): Decision {
  const [first, ...others] = names;
  if (first === undefined) return policy.decideAction(caller, action);
  let decision = policy.decide(caller, action, first, part);
  for (const name of others) {
    if (!decision.allowed) break;
    decision = policy.decide(caller, action, name);
  }
  return decision;
}
