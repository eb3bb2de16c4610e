import type { Administration } from "../../broker/administration.js";
import type { Consumer } from "../../broker/watch/secret-watches.js";
import {
  type Consumer as WireConsumer,
  ListConsumersRequest,
  type ListConsumersResponse,
} from "../../gen/secretbroker/v1/administration_broker.js";
import { timestampFromDate } from "../../rpc/time.js";
import { FieldChecks } from "../requests/field-checks.js";
import type { UnaryRpc } from "../rpc.js";

const maxPageSize = 1_000;
const defaultPageSize = 100;

/** `AdministrationBroker.ListConsumers`. A page token is the id of the last consumer of the page before. */
export function listConsumers(administration: Administration): UnaryRpc<ListConsumersRequest, ListConsumersResponse> {
  return {
    request: ListConsumersRequest,
    handle: async (call, request) => {
      const checks = new FieldChecks();
      const name = request.name === "" ? undefined : checks.name("name", request.name);
      const pageSize = checks.range("page_size", request.pageSize, [0, maxPageSize]) || defaultPageSize;
      const afterId = pageTokenField(checks, request.pageToken);
      checks.assertNone();
      const consumers = await administration.listConsumers(call, { name, pageSize: pageSize + 1, afterId });
      const shown = consumers.slice(0, pageSize);
      const hasMore = consumers.length > shown.length;
      return { consumers: shown.map(wireConsumer), nextPageToken: hasMore ? String(shown.at(-1)?.id ?? "") : "" };
    },
  };
}

function pageTokenField(checks: FieldChecks, token: string): number {
  if (token === "") return 0;
  if (!/^[1-9][0-9]{0,14}$/.test(token)) checks.violate("page_token", "must be one that a page was answered with");
  return Number(token);
}

function wireConsumer({ principal, peer, connectTime, acknowledged }: Consumer): WireConsumer {
  return {
    principal,
    peer,
    connectTime: timestampFromDate(connectTime),
    acknowledgedVersions: new Map(acknowledged),
  };
}
