import { describe, expect, it } from "vitest";
import { callMetadata } from "../../src/client/call-options.js";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("the metadata of a call", () => {
  it("carries the id, the trace and who calls", () => {
    expect(callMetadata({ requestId: "r-1", traceparent }, "t").getMap()).toEqual({
      authorization: "Bearer t",
      traceparent,
      "x-request-id": "r-1",
      "x-secret-broker-request": "true",
    });
  });

  it("carries nothing that was not given, but for what an address may require", () => {
    expect(callMetadata({}, undefined).getMap()).toEqual({ "x-secret-broker-request": "true" });
  });

  it.each(["", "a b", "ü", "x".repeat(257)])("refuses the trace %j", (text) => {
    expect(() => callMetadata({ traceparent: text }, undefined)).toThrow(
      expect.objectContaining({
        reason: "FIELD_INVALID",
        violations: [expect.objectContaining({ field: "traceparent" })],
      }),
    );
  });
});
