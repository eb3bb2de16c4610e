import { Metadata, status } from "@grpc/grpc-js";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SecretError, type SecretErrorOptions, secretErrorReasons } from "../../src/domain/secret-error.js";
import {
  BadRequest,
  ErrorInfo,
  PreconditionFailure,
  ResourceInfo,
  RetryInfo,
} from "../../src/gen/google/rpc/error_details.js";
import { Status } from "../../src/gen/google/rpc/status.js";
import { fromFailedCall, fromStatusMessage } from "../../src/rpc/decode-status.js";
import { encodeStatus, statusDetailsKey, toSecretError, toWireError } from "../../src/rpc/encode-status.js";
import { statusByReason } from "../../src/rpc/status-by-reason.js";
import { findLeaks, plantCanaries } from "../../src/testkit/index.js";

const types = { BadRequest, ErrorInfo, PreconditionFailure, ResourceInfo, RetryInfo };
type DetailName = keyof typeof types;

/** The names of the details beside the `ErrorInfo`, which must come first and once. */
function detailsOf(message: Status): DetailName[] {
  const names = message.details.map(
    ({ typeUrl }) => typeUrl.replace("type.googleapis.com/google.rpc.", "") as DetailName,
  );
  expect(names[0]).toBe("ErrorInfo");
  expect(names.filter((name) => name === "ErrorInfo")).toHaveLength(1);
  return names.slice(1);
}

function decodeDetail<Name extends DetailName>(
  message: Status,
  name: Name,
): ReturnType<(typeof types)[Name]["decode"]> {
  const found = message.details.find(({ typeUrl }) => typeUrl.endsWith(`.${name}`));
  return types[name].decode(found?.value ?? Buffer.of()) as ReturnType<(typeof types)[Name]["decode"]>;
}

const options: SecretErrorOptions = { metadata: { name: "NAME", current_version: "3" } };

describe.each(secretErrorReasons)("a failure for %s", (reason) => {
  const violations = reason === "FIELD_INVALID" ? [{ field: "name", description: "must not be empty" }] : [];
  const error = new SecretError(reason, "a message", { ...options, violations });

  it("comes through the wire as it was", () => {
    const wire = toWireError(error, "request-1");
    expect([wire.code, wire.details]).toEqual([statusByReason[reason].code, "a message"]);
    const decoded = fromFailedCall(wire);
    expect([decoded.reason, decoded.message]).toEqual([reason, "a message"]);
    expect(decoded.metadata).toEqual({ name: "NAME", current_version: "3", request_id: "request-1" });
    expect(decoded.violations).toEqual(violations);
    const { retry } = statusByReason[reason];
    expect(decoded.retryAfterMs).toBe(retry === "yes" || retry === "after the delay" ? 1_000 : undefined);
  });

  it("comes through inside a batch as it was", () => {
    const decoded = fromStatusMessage(Status.decode(Status.encode(encodeStatus(error, "request-1")).finish()));
    expect([decoded.reason, decoded.message]).toEqual([reason, "a message"]);
  });

  it("carries one ErrorInfo of our domain, and the typed detail of its kind", () => {
    const message = encodeStatus(error, "request-1");
    const { reason: told, domain } = decodeDetail(message, "ErrorInfo");
    expect([told, domain, message.code]).toEqual([reason, "secretbroker.dev", statusByReason[reason].code]);
    const expected: Partial<Record<number, DetailName[]>> = {
      [status.NOT_FOUND]: reason === "KEY_NOT_HOSTED" ? [] : ["ResourceInfo"],
      [status.INVALID_ARGUMENT]: ["BadRequest"],
      [status.ABORTED]: ["PreconditionFailure"],
      [status.UNAVAILABLE]: ["RetryInfo"],
      [status.RESOURCE_EXHAUSTED]: ["RetryInfo"],
    };
    expect(detailsOf(message)).toEqual(expected[message.code] ?? []);
  });
});

describe("a failure's details", () => {
  it("name the resource", () => {
    expect(decodeDetail(encodeStatus(SecretError.notFound("NAME"), "r"), "ResourceInfo")).toEqual({
      resourceType: "secretbroker.v1.Secret",
      resourceName: "NAME",
      owner: "",
      description: 'secret "NAME" does not exist',
    });
  });

  it("name the precondition that does not hold", () => {
    const error = new SecretError("VERSION_MISMATCH", "another version is active", options);
    expect(decodeDetail(encodeStatus(error, "r"), "PreconditionFailure")).toEqual({
      violations: [{ type: "EXPECTED_VERSION", subject: "NAME", description: "another version is active" }],
    });
  });

  it("name every broken field, in order", () => {
    const violations = ["a", "b", "c"].map((field) => ({ field, description: `${field} is wrong` }));
    const message = encodeStatus(SecretError.fieldInvalid(violations), "r");
    expect(decodeDetail(message, "BadRequest").fieldViolations).toEqual(violations);
  });

  it("say how long to wait, as a valid Duration whatever the wait", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 86_400_000, noNaN: true }), (retryAfterMs) => {
        const error = new SecretError("MANAGER_QUOTA", "x", { retryAfterMs });
        const { retryDelay } = decodeDetail(encodeStatus(error, "r"), "RetryInfo");
        expect(retryDelay?.nanos).toBeGreaterThanOrEqual(0);
        expect(retryDelay?.nanos).toBeLessThan(1_000_000_000);
        expect(fromFailedCall(toWireError(error, "r")).retryAfterMs).toBeCloseTo(retryAfterMs, 3);
      }),
      { numRuns: 2_000 },
    );
    const nearly = encodeStatus(new SecretError("MANAGER_QUOTA", "x", { retryAfterMs: 1_999.999_999_9 }), "r");
    expect(decodeDetail(nearly, "RetryInfo").retryDelay).toEqual({ seconds: 2n, nanos: 0 });
  });

  it("come through with any metadata, __proto__ too", () => {
    const metadata = Object.fromEntries([
      ["__proto__", "a"],
      ["constructor", "\u{1f511}"],
    ]);
    const decoded = fromFailedCall(toWireError(new SecretError("INTERNAL_ERROR", "x", { metadata }), "r"));
    expect(Object.entries(decoded.metadata)).toEqual([...Object.entries(metadata), ["request_id", "r"]]);
  });
});

describe("anything else that is thrown", () => {
  const canaries = plantCanaries();

  it.each([
    ["an error", new Error(canaries.text)],
    [
      "an error with a reason of ours and no brand",
      Object.assign(new Error(canaries.text), { reason: "SECRET_NOT_FOUND" }),
    ],
    ["a string", canaries.text],
    ["an object", { message: canaries.text }],
    ["null", null],
  ])("is INTERNAL_ERROR without its text: %s", (_label, thrown) => {
    const wire = toWireError(toSecretError(thrown), "r");
    const sent =
      wire.details +
      wire.metadata
        .get(statusDetailsKey)
        .map((bytes) => bytes.toString("latin1"))
        .join("");
    expect([wire.code, wire.details]).toEqual([status.INTERNAL, "internal error"]);
    expect(findLeaks(sent, canaries)).toEqual([]);
  });

  it("stays the cause, for the log", () => {
    const thrown = new Error("x");
    expect(toSecretError(thrown).cause).toBe(thrown);
    const ours = SecretError.notFound("NAME");
    expect(toSecretError(ours)).toBe(ours);
  });
});

describe("a status without our details", () => {
  const failed = (code: number, bytes?: Uint8Array): SecretError => {
    const metadata = new Metadata();
    if (bytes !== undefined) metadata.set(statusDetailsKey, Buffer.from(bytes));
    return fromFailedCall({ code, details: "what grpc says", metadata });
  };

  it.each([
    ["CANCELLED", "CALL_CANCELLED"],
    ["DEADLINE_EXCEEDED", "MANAGER_TIMEOUT"],
    ["UNAVAILABLE", "MANAGER_UNAVAILABLE"],
    ["UNIMPLEMENTED", "CAPABILITY_UNSUPPORTED"],
    ["RESOURCE_EXHAUSTED", "RATE_LIMITED"],
    ["UNAUTHENTICATED", "CREDENTIAL_INVALID"],
    ["PERMISSION_DENIED", "POLICY_DENIED"],
    ["INTERNAL", "INTERNAL_ERROR"],
    ["UNKNOWN", "INTERNAL_ERROR"],
    ["DATA_LOSS", "INTERNAL_ERROR"],
  ] as const)("of %s is taken for %s", (code, reason) => {
    expect(failed(status[code])).toMatchObject({ reason, message: "what grpc says" });
  });

  it("counts the same when its details are another domain's, another reason, or no message at all", () => {
    const info = (reason: string, domain: string): Uint8Array => {
      const value = Buffer.from(ErrorInfo.encode({ reason, domain, metadata: new Map() }).finish());
      const details = [{ typeUrl: "type.googleapis.com/google.rpc.ErrorInfo", value }];
      return Status.encode({ code: 5, message: "x", details }).finish();
    };
    for (const bytes of [
      info("SECRET_NOT_FOUND", "example.com"),
      info("NEW_REASON", "secretbroker.dev"),
      Buffer.of(255),
    ]) {
      expect(failed(status.UNAVAILABLE, bytes).reason).toBe("MANAGER_UNAVAILABLE");
    }
  });

  it("is never more than a SecretError, whatever bytes its details are", () => {
    const typeUrl = fc.constantFrom(...Object.keys(types).map((name) => `type.googleapis.com/google.rpc.${name}`));
    const value = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
    const details = fc.array(fc.record({ typeUrl, value }), { maxLength: 4 });
    const encoded = details.map((all) => Status.encode({ code: 14, message: "x", details: all }).finish());
    fc.assert(
      fc.property(fc.oneof(encoded, fc.uint8Array()), (bytes) => {
        expect(failed(status.UNAVAILABLE, bytes)).toBeInstanceOf(SecretError);
      }),
      { numRuns: 3_000 },
    );
  });
});
