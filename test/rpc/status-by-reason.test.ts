import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { secretErrorReasons } from "../../src/domain/secret-error.js";
import { statusByReason } from "../../src/rpc/status-by-reason.js";

/** The wire contract's table, spelled out: code, reasons, retry. */
const contract: readonly (readonly [keyof typeof status, readonly string[], string])[] = [
  ["NOT_FOUND", ["SECRET_NOT_FOUND", "VERSION_NOT_FOUND", "FIELD_NOT_FOUND"], "no"],
  ["NOT_FOUND", ["KEY_NOT_HOSTED"], "no"],
  ["NOT_FOUND", ["SECRET_DELETED"], "no"],
  ["PERMISSION_DENIED", ["POLICY_DENIED", "ACCESS_MODE_DENIED"], "no"],
  ["UNAUTHENTICATED", ["CREDENTIAL_MISSING", "CREDENTIAL_INVALID", "CREDENTIAL_EXPIRED"], "after re-auth"],
  ["ABORTED", ["VERSION_MISMATCH"], "re-read"],
  ["ALREADY_EXISTS", ["SECRET_EXISTS"], "no"],
  ["ALREADY_EXISTS", ["IDEMPOTENCY_CONFLICT"], "no"],
  ["UNIMPLEMENTED", ["CAPABILITY_UNSUPPORTED"], "no"],
  ["INVALID_ARGUMENT", ["FIELD_INVALID"], "no"],
  ["DATA_LOSS", ["PAYLOAD_CORRUPT"], "no"],
  ["RESOURCE_EXHAUSTED", ["RATE_LIMITED", "MANAGER_QUOTA"], "after the delay"],
  ["UNAVAILABLE", ["MANAGER_UNAVAILABLE", "BREAKER_OPEN", "STALE_TOO_OLD"], "yes"],
  ["UNAVAILABLE", ["AUDIT_UNAVAILABLE"], "yes"],
  ["UNAVAILABLE", ["IDENTITY_UNAVAILABLE"], "yes"],
  ["DEADLINE_EXCEEDED", ["MANAGER_TIMEOUT"], "if idempotent"],
  ["OUT_OF_RANGE", ["REVISION_COMPACTED"], "re-sync"],
  // Beyond the contract's first table.
  ["INTERNAL", ["MANAGER_REPLY_INVALID", "INTERNAL_ERROR"], "no"],
  ["CANCELLED", ["CALL_CANCELLED"], "if idempotent"],
  ["FAILED_PRECONDITION", ["CONFIG_INVALID"], "no"],
];

describe("statusByReason", () => {
  it("is the contract's table, row for row", () => {
    const rows = contract.flatMap(([code, reasons, retry]) =>
      reasons.map((reason) => [reason, { code: status[code], retry }] as const),
    );
    expect(statusByReason).toEqual(Object.fromEntries(rows));
    expect(rows.map(([reason]) => reason).sort()).toEqual([...secretErrorReasons].sort());
  });
});
