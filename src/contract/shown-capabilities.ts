import { capabilities, type Capability } from "../domain/capability.js";
import type { SecretManager } from "./secret-manager.js";

/** How each capability shows: by a member that is there, by a declaration, or not at all. */
const shownBy = {
  write: (manager) => manager.writeSecret !== undefined,
  delete: (manager) => manager.deleteSecret !== undefined,
  rotate: (manager) => manager.rotateSecret !== undefined,
  list: (manager) => manager.listSecrets !== undefined,
  describe: (manager) => manager.describeSecret !== undefined,
  versions: (manager) => manager.readSecretVersion !== undefined,
  preconditions: (manager) => manager.supports?.preconditions === true,
  idempotency: (manager) => manager.supports?.idempotency === true,
  expiry: (manager) => manager.supports?.expiry === true,
  grace_period: (manager) => manager.supports?.gracePeriod === true,
  activate: (manager) => manager.activateSecretVersion !== undefined,
  restore: (manager) => manager.restoreSecret !== undefined,
  destroy: (manager) => manager.destroySecret !== undefined,
  watch: (manager) => manager.watchSecrets !== undefined,
  atomic_batch: (manager) => manager.batchReadSecrets !== undefined,
} satisfies Record<Capability, (manager: SecretManager) => boolean>;

/** Tells what a manager can do beyond reading, from its members and its `supports`, in the order of the list. */
export function shownCapabilities(manager: SecretManager): readonly Capability[] {
  return capabilities.filter((capability) => shownBy[capability](manager));
}
