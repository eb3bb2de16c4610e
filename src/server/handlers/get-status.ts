import type { Administration } from "../../broker/administration.js";
import { type BrokerStatus, emulationsFor, type ManagerStatus } from "../../broker/broker-status.js";
import type { ManagerStatus as WireManagerStatus } from "../../gen/secretbroker/v1/administration_broker.js";
import { GetStatusRequest, type GetStatusResponse } from "../../gen/secretbroker/v1/administration_broker.js";
import { optionalTimestamp, timestampFromDate } from "../../rpc/time.js";
import type { UnaryRpc } from "../rpc.js";

/** The most frozen names that are told. */
const maxFrozenNames = 1_000;

/** `AdministrationBroker.GetStatus`. */
export function getStatus(administration: Administration): UnaryRpc<GetStatusRequest, GetStatusResponse> {
  return {
    request: GetStatusRequest,
    handle: async (call) => wireStatus(await administration.getStatus(call)),
  };
}

function wireStatus({
  managers,
  audit,
  cache,
  startTime,
  configurationTime,
  frozenNames,
}: BrokerStatus): GetStatusResponse {
  return {
    managers: managers.map(wireManager),
    audit: {
      healthy: audit.healthy,
      records: BigInt(audit.records),
      lastWriteTime: optionalTimestamp(audit.lastWriteTime),
    },
    cache: {
      entries: BigInt(cache.entries),
      bytes: BigInt(cache.bytes),
      hits: BigInt(cache.hits),
      misses: BigInt(cache.misses),
    },
    startTime: timestampFromDate(startTime),
    configurationTime: timestampFromDate(configurationTime),
    frozenNames: frozenNames.slice(0, maxFrozenNames),
  };
}

function wireManager({ name, kind, healthy, capabilities }: ManagerStatus): WireManagerStatus {
  return { name, kind, healthy, capabilities: [...capabilities], emulated: [...emulationsFor(capabilities)] };
}
