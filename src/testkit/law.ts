import type { Awaitable, SecretManager } from "../contract/secret-manager.js";
import type { Payload } from "../domain/payload.js";
import type { Capability } from "../domain/capability.js";
import type { ManagerProbe } from "./manager-probe.js";

/** A manager that is put to the test. */
export interface ManagerSubject {
  /** Opens a manager that is empty and shares nothing with any other; every law opens its own and closes it. */
  readonly open: () => Awaitable<SecretManager>;
  /** What the manager can do beyond reading. What is not declared here is not tested, and must not show. */
  readonly capabilities: readonly Capability[];
  /** `text` for a manager that keeps text only; it must then refuse to write bytes. Both kinds when left out. */
  readonly payloads?: "text" | undefined;
  /** Puts a secret where the manager finds it; required of a manager that cannot write. */
  readonly seed?: ((manager: SecretManager, name: string, value: Payload) => Awaitable<void>) | undefined;
}

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
