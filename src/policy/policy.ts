import type { Action } from "../domain/action.js";
import type { Caller } from "../domain/caller.js";
import type { SecretName } from "../domain/secret-name.js";

/** Why a call is refused. */
export type DenialReason = "POLICY_DENIED" | "ACCESS_MODE_DENIED" | "KEY_NOT_HOSTED";

/** What policy says of one call, and the rule that said it. */
export type Decision =
  | { readonly allowed: true; readonly rule: string }
  | { readonly allowed: false; readonly rule: string; readonly reason: DenialReason };

/** Who may do what: compiled once, asked on every call. Knows nothing of what exists. */
export interface Policy {
  /** Decides one action on one name. */
  decide(caller: Caller, action: Action, name: SecretName): Decision;
  /** Decides an action that has no one name, such as listing; each name it yields is decided again. */
  decideAction(caller: Caller, action: Action): Decision;
}
