import type { Capability } from "../../../domain/capability.js";
import { Capability as Code } from "../../../gen/secretbroker/manager/v1/secret_manager.js";

/** What each capability is on the wire. */
export const capabilityCodes: Readonly<Record<Capability, Code>> = {
  write: Code.WRITE,
  delete: Code.DELETE,
  rotate: Code.ROTATE,
  list: Code.LIST,
  describe: Code.DESCRIBE,
  versions: Code.VERSIONS,
  preconditions: Code.PRECONDITIONS,
  idempotency: Code.IDEMPOTENCY,
  expiry: Code.EXPIRY,
  grace_period: Code.GRACE_PERIOD,
  activate: Code.ACTIVATE,
  restore: Code.RESTORE,
  destroy: Code.DESTROY,
  watch: Code.WATCH,
  atomic_batch: Code.ATOMIC_BATCH,
};

const byCode: ReadonlyMap<number, Capability> = new Map(
  Object.entries(capabilityCodes).map(([capability, code]) => [code, capability as Capability]),
);

/** The capability a code stands for; undefined for one of a later version, which is nothing we could use. */
export function capabilityOfCode(code: number): Capability | undefined {
  return byCode.get(code);
}
