import type { Action } from "../domain/action.js";

/** Lets callers do something, or keeps them from it whatever else lets them. */
export interface Grant {
  /** What decisions call it. */
  readonly name: string;
  readonly effect: "allow" | "deny";
  /** Patterns of principals; with groups, whoever matches one of either. */
  readonly principals: readonly string[];
  readonly groups: readonly string[];
  readonly actions: readonly Action[];
  /** Patterns of names: `*` is anything within a segment, `**` any segments. */
  readonly names: readonly string[];
  /** Which versions it lets read; undefined for any. */
  readonly versions?: "active" | readonly number[] | undefined;
  /** Which members it lets read; undefined for the whole payload. */
  readonly fields?: readonly string[] | undefined;
}

/** Groups that the configuration puts a principal in. */
export type Memberships = ReadonlyMap<string, readonly string[]>;
