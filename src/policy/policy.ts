import type { Action } from "../domain/action.js";
import type { Caller } from "../domain/caller.js";
import type { SecretName } from "../domain/secret-name.js";

/** Why a call is refused. */
export type DenialReason = "POLICY_DENIED" | "ACCESS_MODE_DENIED" | "KEY_NOT_HOSTED";

/** What policy says of one call, and the rule that said it. */
export type Decision =
  | { readonly allowed: true; readonly rule: string }
  | { readonly allowed: false; readonly rule: string; readonly reason: DenialReason };

/** The part of a secret that a call wants; a rule may be limited to some. */
export interface Part {
  /** One version rather than the active one. */
  readonly version?: number | undefined;
  /** One member of a payload that is a JSON object. */
  readonly field?: string | undefined;
}

/** Who may do what: compiled once, asked on every call. Knows nothing of what exists. */
export interface Policy {
  /** Decides one action on one name, or on a part of it. */
  decide(caller: Caller, action: Action, name: SecretName, part?: Part): Decision;
  /**
   * Decides an action that has no one name. To administer without one is to administer everything; of anything else, each
   * name that it yields is decided again.
   */
  decideAction(caller: Caller, action: Action): Decision;
}
