import type { Capability } from "../domain/capability.js";
import type { ManagerProbe } from "./manager-probe.js";

/** One thing every manager of the declared capabilities must do. */
export interface Law {
  /** What holds, as a sentence. */
  readonly name: string;
  /** Opens a manager of its own and rejects with an `AssertionError` when the law does not hold. */
  readonly run: () => Promise<void>;
}

/** A law before it is bound to a subject. */
export interface LawDefinition {
  readonly name: string;
  /** The law applies only to a manager that declares all of these. */
  readonly needs?: readonly Capability[];
  /** The law applies only to a manager that keeps this kind of payload, or only to one that keeps nothing but text. */
  readonly payloads?: "binary" | "text_only";
  readonly check: (probe: ManagerProbe) => Promise<void>;
}
