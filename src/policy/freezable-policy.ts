import type { Action } from "../domain/action.js";
import type { Caller } from "../domain/caller.js";
import type { SecretName } from "../domain/secret-name.js";
import type { Decision, Part, Policy } from "./policy.js";

/** The actions that release a value; the others go on, as a frozen secret must be replaceable. */
const releasing: ReadonlySet<Action> = new Set<Action>(["read", "watch"]);

const frozen: Decision = Object.freeze({ allowed: false, rule: "frozen", reason: "POLICY_DENIED" });

/** A policy under which names that are frozen are released to nobody. */
export class FreezablePolicy implements Policy {
  readonly #policy: Policy;
  readonly #frozen: ReadonlyMap<SecretName, unknown>;

  /** @param frozenNames asked on every decision, so it may change */
  constructor(policy: Policy, frozenNames: ReadonlyMap<SecretName, unknown>) {
    this.#policy = policy;
    this.#frozen = frozenNames;
  }

  // eslint-disable-next-line max-params -- the policy's
  decide(caller: Caller, action: Action, name: SecretName, part?: Part): Decision {
    const decision = this.#policy.decide(caller, action, name, part);
    // Whoever may not read it does not learn that it is frozen either.
    return decision.allowed && this.#frozen.size > 0 && this.#frozen.has(name) && releasing.has(action)
      ? frozen
      : decision;
  }

  decideAction(caller: Caller, action: Action): Decision {
    return this.#policy.decideAction(caller, action);
  }
}
