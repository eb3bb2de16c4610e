import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { secretErrorReasons, type SecretErrorReason } from "../../src/domain/secret-error.js";
import { ErrorInfo, PreconditionFailure, ResourceInfo, RetryInfo } from "../../src/gen/google/rpc/error_details.js";
import { Status } from "../../src/gen/google/rpc/status.js";
import { statusByReason } from "../../src/rpc/status-by-reason.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { type Outcome, RpcCaller } from "./call-rpc.js";

// A class that fails as its secret's name says, so that every row of the table crosses a real connection.
const failingClass = `
import { SecretError } from "secret-broker/contract";
export class Failing {
  readSecret(name) {
    if (name === "JSON") return '{"a": 1}';
    if (name === "NUMBER") return 42;
    if (name === "SLOW") return new Promise(() => {});
    if (name === "BROKEN") throw new Error("placeholder-secret");
    if (name.startsWith("THROWS_")) throw new SecretError(name.slice(7), "placeholder-secret", {
      metadata: { current_version: "4", leak: "placeholder-secret" },
    });
    return undefined;
  }
}
`;
const config = `
general_settings:
  key_management_system: custom
  key_management_settings:
    custom_secret_manager: failing.Failing
    hosted_keys: [JSON, NUMBER, SLOW, BROKEN, ABSENT, THROWS_SECRET_DELETED, THROWS_VERSION_NOT_FOUND,
      THROWS_VERSION_MISMATCH, THROWS_SECRET_EXISTS, THROWS_IDEMPOTENCY_CONFLICT, THROWS_PAYLOAD_CORRUPT,
      THROWS_MANAGER_QUOTA, THROWS_REVISION_COMPACTED]
secret_broker:
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  timeouts: { default_deadline: 300ms }
  log: { level: error }
`;

/** How each reason is provoked by a caller today. */
const provoked: Partial<Record<SecretErrorReason, readonly [rpc: string, request: object]>> = {
  SECRET_NOT_FOUND: ["ReadSecret", { name: "ABSENT" }],
  VERSION_NOT_FOUND: ["ReadSecret", { name: "THROWS_VERSION_NOT_FOUND" }],
  FIELD_NOT_FOUND: ["ReadSecret", { name: "JSON", field: "b" }],
  KEY_NOT_HOSTED: ["ReadSecret", { name: "ELSEWHERE" }],
  SECRET_DELETED: ["ReadSecret", { name: "THROWS_SECRET_DELETED" }],
  ACCESS_MODE_DENIED: ["WriteSecret", { name: "JSON", payload: { $case: "text", value: "x" } }],
  VERSION_MISMATCH: ["ReadSecret", { name: "THROWS_VERSION_MISMATCH" }],
  SECRET_EXISTS: ["ReadSecret", { name: "THROWS_SECRET_EXISTS" }],
  IDEMPOTENCY_CONFLICT: ["ReadSecret", { name: "THROWS_IDEMPOTENCY_CONFLICT" }],
  CAPABILITY_UNSUPPORTED: ["ReadSecret", { name: "JSON", version: 3 }],
  FIELD_INVALID: ["ReadSecret", { name: "../JSON" }],
  PAYLOAD_CORRUPT: ["ReadSecret", { name: "THROWS_PAYLOAD_CORRUPT" }],
  MANAGER_QUOTA: ["ReadSecret", { name: "THROWS_MANAGER_QUOTA" }],
  MANAGER_UNAVAILABLE: ["ReadSecret", { name: "BROKEN" }],
  MANAGER_TIMEOUT: ["ReadSecret", { name: "SLOW" }],
  REVISION_COMPACTED: ["ReadSecret", { name: "THROWS_REVISION_COMPACTED" }],
  MANAGER_REPLY_INVALID: ["ReadSecret", { name: "NUMBER" }],
};

/** Provoked by other tests: these need a cache, a breaker, a full disk, an issuer that is down, a caller that leaves, a file that is wrong, a defect of ours. */
const provokedElsewhere: readonly SecretErrorReason[] = [
  "BREAKER_OPEN",
  "STALE_TOO_OLD",
  "AUDIT_UNAVAILABLE",
  "IDENTITY_UNAVAILABLE",
  "CALL_CANCELLED",
  "CONFIG_INVALID",
  "INTERNAL_ERROR",
];

/** Belong to what is not built yet: grants, credentials and limits. */
const notYet: readonly SecretErrorReason[] = [
  "POLICY_DENIED",
  "CREDENTIAL_MISSING",
  "CREDENTIAL_INVALID",
  "CREDENTIAL_EXPIRED",
  "RATE_LIMITED",
];

const codecs = { ResourceInfo, RetryInfo, PreconditionFailure };

describe("every reason on the wire", () => {
  let broker: TestBroker;
  let caller: RpcCaller;

  beforeAll(async () => {
    broker = await startBroker({ config, files: { "failing.mjs": failingClass } });
    caller = new RpcCaller(broker.address);
  });

  afterAll(async () => {
    caller.close();
    await broker.stop();
  });

  it("is provoked here or accounted for", () => {
    const accounted = [...Object.keys(provoked), ...provokedElsewhere, ...notYet];
    expect(accounted.sort()).toEqual([...secretErrorReasons].sort());
  });

  it.each(Object.entries(provoked))("%s", async (reason, [rpc, request]) => {
    const outcome = await caller.call(rpc, request);
    const row = statusByReason[reason as SecretErrorReason];
    expect(outcome).toMatchObject({ reason, code: status[row.code] });
    const wire = statusOf(outcome);
    expect(wire).toMatchObject({ code: row.code, message: outcome.error?.details });
    expect(ErrorInfo.decode(wire.details[0]?.value ?? Buffer.alloc(0))).toMatchObject({
      reason,
      domain: "secretbroker.dev",
    });
    expect(outcome.error?.details).not.toBe("");
    expect(JSON.stringify(wire) + String(outcome.error?.details)).not.toContain("placeholder-secret");
    for (const [type, { decode }] of Object.entries(codecs)) {
      const detail = wire.details.find(({ typeUrl }) => typeUrl.endsWith(`.${type}`));
      if (detail !== undefined) expect(() => decode(detail.value)).not.toThrow();
    }
  });
});

function statusOf({ error }: Outcome): Status {
  const [bytes] = error?.metadata.get("grpc-status-details-bin") ?? [];
  return Status.decode(bytes as Buffer);
}
