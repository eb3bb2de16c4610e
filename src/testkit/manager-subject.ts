import type { Awaitable, SecretManager } from "../contract/secret-manager.js";
import type { Capability } from "../domain/capability.js";
import type { Payload } from "../domain/payload.js";

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
