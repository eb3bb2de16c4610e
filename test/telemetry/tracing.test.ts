import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { afterEach, describe, expect, it } from "vitest";
import { createTracing } from "../../src/telemetry/tracing.js";
import { type RecordedSpan, RecordingProvider } from "./recording-provider.js";

const method = "secretbroker.v1.SecretBroker/ReadSecret";
const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";
const traceparent = `00-${traceId}-${spanId}-01`;

afterEach(() => {
  trace.disable();
});

function registerProvider(): RecordingProvider {
  const provider = new RecordingProvider();
  trace.setGlobalTracerProvider(provider);
  return provider;
}

function spanWith(parentHeader: string | undefined, tracestate?: string): RecordedSpan {
  const provider = registerProvider();
  createTracing().startSpan(method, parentHeader, tracestate)?.end(0);
  const [span] = provider.spans;
  if (span === undefined) throw new Error("no span was recorded");
  return span;
}

describe("createTracing", () => {
  it("makes no spans when no provider is registered", () => {
    expect(createTracing().startSpan(method, traceparent)).toBeUndefined();
  });

  it("decides at creation", () => {
    const tracing = createTracing();
    const provider = registerProvider();
    expect(tracing.startSpan(method, traceparent)).toBeUndefined();
    expect(provider.spans).toEqual([]);
  });

  it("describes the call as OpenTelemetry's conventions want it", () => {
    expect(spanWith(undefined)).toMatchObject({
      name: method,
      kind: SpanKind.SERVER,
      ended: true,
      attributes: {
        "rpc.system": "grpc",
        "rpc.service": "secretbroker.v1.SecretBroker",
        "rpc.method": "ReadSecret",
        "rpc.grpc.status_code": 0,
      },
      status: { code: SpanStatusCode.UNSET },
    });
  });

  it("continues the caller's trace", () => {
    const span = spanWith(traceparent, "vendor=value,other=thing");
    expect(span.parent).toMatchObject({ traceId, spanId, traceFlags: 1, isRemote: true });
    expect(span.parent?.traceState?.get("vendor")).toBe("value");
  });

  it("tells the trace it belongs to", () => {
    registerProvider();
    expect(createTracing().startSpan(method, traceparent)?.traceId).toBe(traceId);
  });

  it.each([2, 4, 12, 13, 14, 15])("marks the code %i as an error", (code) => {
    const provider = registerProvider();
    createTracing().startSpan(method, undefined)?.end(code);
    expect(provider.spans[0]).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { "rpc.grpc.status_code": code },
    });
  });

  it.each([0, 1, 3, 5, 6, 7, 8, 9, 10, 11, 16])("takes the code %i for an answer", (code) => {
    const provider = registerProvider();
    createTracing().startSpan(method, undefined)?.end(code);
    expect(provider.spans[0]?.status).toEqual({ code: SpanStatusCode.UNSET });
  });
});

describe("traceparent", () => {
  it.each([
    ["empty", ""],
    ["no header at all", "hello"],
    ["an unknown version's marker", `ff-${traceId}-${spanId}-01`],
    ["upper case", `00-${traceId.toUpperCase()}-${spanId}-01`],
    ["a trace of zeros", `00-${"0".repeat(32)}-${spanId}-01`],
    ["a span of zeros", `00-${traceId}-${"0".repeat(16)}-01`],
    ["a short trace", `00-${traceId.slice(1)}-${spanId}-01`],
    ["a short span", `00-${traceId}-${spanId.slice(1)}-01`],
    ["flags that are no number", `00-${traceId}-${spanId}-0x`],
    ["version 00 with more than it has", `${traceparent}-more`],
    ["a space in front", ` ${traceparent}`],
    ["a line break behind", `${traceparent}\n`],
    ["two headers joined", `${traceparent}, ${traceparent}`],
    ["a later version that does not go on with a dash", `01-${traceId}-${spanId}-01x`],
    ["far too long", `01-${traceId}-${spanId}-01-${"x".repeat(10_000)}`],
  ])("is ignored when it is %s", (_label, header) => {
    expect(spanWith(header).parent).toBeUndefined();
  });

  it("is understood in a later version that has more", () => {
    expect(spanWith(`01-${traceId}-${spanId}-01-more`).parent).toMatchObject({ traceId, spanId });
  });

  it("keeps the sampled flag and no other", () => {
    expect(spanWith(`00-${traceId}-${spanId}-ff`).parent?.traceFlags).toBe(1);
    trace.disable();
    expect(spanWith(`00-${traceId}-${spanId}-fe`).parent?.traceFlags).toBe(0);
  });
});
