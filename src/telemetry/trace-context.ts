import { createTraceState, type SpanContext, TraceFlags } from "@opentelemetry/api";

/** `traceparent` of version 00, and what a later version must begin with. */
const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** The longest header that is looked at. */
const maxTraceparentLength = 256;
const allZeros = /^0+$/;

/**
 * Reads the W3C headers that name the caller's span.
 * @returns the remote span, or undefined when `traceparent` breaks a rule: the call then begins a trace of its own.
 */
export function parseTraceContext(traceparent: string, tracestate?: string): SpanContext | undefined {
  if (traceparent.length > maxTraceparentLength) return undefined;
  const match = pattern.exec(traceparent);
  if (match === null) return undefined;
  const [, version, traceId = "", spanId = "", flags = "", rest] = match;
  if (!isKnownForm(version, rest) || allZeros.test(traceId) || allZeros.test(spanId)) return undefined;
  const context = { traceId, spanId, traceFlags: sampledFlag(flags), isRemote: true };
  return tracestate === undefined ? context : { ...context, traceState: createTraceState(tracestate) };
}

/** Version ff is forbidden, and only versions after 00 may go on. */
function isKnownForm(version: string | undefined, rest: string | undefined): boolean {
  return version !== "ff" && (version !== "00" || rest === undefined);
}

/** Only the sampled bit is defined for every version. */
function sampledFlag(flags: string): number {
  return Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
}
