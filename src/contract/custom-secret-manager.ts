import type { Payload } from "../domain/payload.js";
import type { ManagerCall } from "./manager-call.js";
import type { Awaitable, ReadReply, SecretManager } from "./secret-manager.js";

/**
 * A convenient base for a manager of your own: a name, and the members to fill in.
 *
 * Extending it is optional, a plain class with the right members is a manager as well. Only {@link readSecret} must be
 * written; every member of {@link SecretManager} that is left out is a capability the manager does not have.
 */
export abstract class CustomSecretManager implements SecretManager {
  readonly managerName: string;

  /** @param managerName what messages call the manager; the class's own name when left out. */
  constructor(managerName?: string) {
    this.managerName = managerName ?? new.target.name;
  }

  /** {@inheritDoc SecretManager.readSecret} */
  abstract readSecret(name: string, call: ManagerCall): Awaitable<Payload | ReadReply | undefined>;
}
