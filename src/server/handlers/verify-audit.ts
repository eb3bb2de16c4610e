import type { Administration } from "../../broker/administration.js";
import { isSendableTime } from "../../domain/secret.js";
import { VerifyAuditRequest, type VerifyAuditResponse } from "../../gen/secretbroker/v1/administration_broker.js";
import type { Timestamp } from "../../gen/google/protobuf/timestamp.js";
import { dateFromTimestamp } from "../../rpc/time.js";
import { FieldChecks } from "../requests/field-checks.js";
import type { UnaryRpc } from "../rpc.js";

/** `AdministrationBroker.VerifyAudit`. */
export function verifyAudit(administration: Administration): UnaryRpc<VerifyAuditRequest, VerifyAuditResponse> {
  return {
    request: VerifyAuditRequest,
    handle: async (call, { fromTime }) => {
      const checks = new FieldChecks();
      const from = timeField(checks, "from_time", fromTime);
      checks.assertNone();
      const { isIntact, records, problem } = await administration.verifyAudit(call, from);
      return { intact: isIntact, records: BigInt(records), problem: problem ?? "" };
    },
  };
}

function timeField(checks: FieldChecks, field: string, value: Timestamp | undefined): Date | undefined {
  if (value === undefined) return undefined;
  const date = dateFromTimestamp(value);
  if (!isSendableTime(date)) checks.violate(field, "must be a valid time");
  return date;
}
