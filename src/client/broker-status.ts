import type { GetStatusResponse, ManagerStatus } from "../gen/secretbroker/v1/administration_broker.js";
import { decodeTime } from "./decode-secret.js";

/** How a broker is. */
export interface BrokerStatusAnswer {
  /** The one in front first. */
  readonly managers: readonly ManagerStatusAnswer[];
  readonly audit: AuditStatusAnswer | undefined;
  /** Undefined while there is no cache. */
  readonly cache: CacheStatusAnswer | undefined;
  readonly startTime: Date | undefined;
  /** When the configuration in force was loaded. */
  readonly configurationTime: Date | undefined;
  /** The names that are frozen, in order. */
  readonly frozenNames: readonly string[];
}

/** How one manager is. */
export type ManagerStatusAnswer = Readonly<Omit<ManagerStatus, "capabilities" | "emulated">> & {
  /** What it can do by itself. */
  readonly capabilities: readonly string[];
  /** What the broker does for it. */
  readonly emulated: readonly string[];
};

/** How the audit trail is. */
export interface AuditStatusAnswer {
  readonly healthy: boolean;
  readonly records: number;
  readonly lastWriteTime: Date | undefined;
}

/** How a broker's cache is. */
export interface CacheStatusAnswer {
  readonly entries: number;
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
}

/** A broker's status from the wire. */
export function decodeBrokerStatus(response: GetStatusResponse): BrokerStatusAnswer {
  const { managers, audit, cache, frozenNames } = response;
  return {
    managers,
    audit: audit && {
      healthy: audit.healthy,
      records: Number(audit.records),
      lastWriteTime: decodeTime(audit.lastWriteTime),
    },
    cache: cache && {
      entries: Number(cache.entries),
      bytes: Number(cache.bytes),
      hits: Number(cache.hits),
      misses: Number(cache.misses),
    },
    startTime: decodeTime(response.startTime),
    configurationTime: decodeTime(response.configurationTime),
    frozenNames,
  };
}
