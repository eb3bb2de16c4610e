import type { Action } from "../domain/action.js";
import type { PrincipalLimitsConfig } from "./limits-config.js";

/** One rule of who may do what. */
export interface PolicyConfig {
  /** As it is written, or its place: `policies[3]`. */
  readonly name: string;
  readonly effect: "allow" | "deny";
  readonly principals: readonly string[];
  readonly groups: readonly string[];
  readonly actions: readonly Action[];
  readonly names: readonly string[];
  /** Undefined for any. */
  readonly versions: "active" | readonly number[] | undefined;
  /** Undefined for the whole payload. */
  readonly fields: readonly string[] | undefined;
}

/** What is bound to one principal. */
export interface PrincipalConfig {
  readonly principal: string;
  readonly groups: readonly string[];
  /** What its calls carry, always. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Instead of those for each principal; undefined for the same. */
  readonly limits: PrincipalLimitsConfig | undefined;
}
