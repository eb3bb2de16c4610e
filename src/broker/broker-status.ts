import type { Capability } from "../domain/capability.js";
import type { SecretName } from "../domain/secret-name.js";

/** How a running broker is. */
export interface BrokerStatus {
  /** The one in front first. */
  readonly managers: readonly ManagerStatus[];
  readonly audit: AuditStatus;
  readonly cache: CacheStatus;
  readonly startTime: Date;
  /** When the configuration in force was loaded. */
  readonly configurationTime: Date;
  /** In order. */
  readonly frozenNames: readonly SecretName[];
}

/** How one manager is. */
export interface ManagerStatus {
  readonly name: string;
  readonly kind: string;
  readonly healthy: boolean;
  readonly capabilities: ReadonlySet<Capability>;
}

/** How the audit trail is. */
export interface AuditStatus {
  readonly healthy: boolean;
  /** Written since the start. */
  readonly records: number;
  /** Undefined before the first. */
  readonly lastWriteTime: Date | undefined;
}

/** What the cache holds, and what it has answered since the start; all 0 where nothing is kept. */
export interface CacheStatus {
  readonly entries: number;
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
}

/** What the broker does by itself for a manager that cannot. */
export type Emulation = "rotate" | "batch" | "watch";

/** What the broker does for a manager. */
export function emulationsFor(manager: ReadonlySet<Capability>): readonly Emulation[] {
  const emulated: Emulation[] = [];
  if (!manager.has("atomic_batch")) emulated.push("batch");
  if (!manager.has("rotate") && manager.has("write")) emulated.push("rotate");
  if (!manager.has("watch")) emulated.push("watch");
  return emulated;
}
