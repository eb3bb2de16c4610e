import { ProxyTracer, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace, type Tracer } from "@opentelemetry/api";
import { statusCodeName } from "./status-code-name.js";
import { parseTraceContext } from "./trace-context.js";

/** The span of one call. */
export interface CallSpan {
  /** Ends the span with the call's gRPC status code. Must be called once. */
  end(code: number): void;
  /** The trace the call belongs to, for the log. */
  readonly traceId: string;
}

/** Makes the spans of calls. */
export interface Tracing {
  /** Whether anybody records spans; if not, {@link startSpan} need not be called. */
  readonly isRecording: boolean;
  /**
   * Begins the span of a call that arrived; undefined when nobody records spans.
   *
   * The span names the method and never a secret.
   * @param method the full gRPC name: `secretbroker.v1.SecretBroker/ReadSecret`
   * @param traceparent the caller's W3C header; one that breaks a rule is ignored
   */
  startSpan(method: string, traceparent: string | undefined, tracestate?: string): CallSpan | undefined;
}

/**
 * Creates the tracing of a broker.
 *
 * Whether an OpenTelemetry SDK is registered is looked up once, here; it must be registered before. Without one,
 * calls cost nothing.
 */
export function createTracing(): Tracing {
  const tracer = trace.getTracer("secret-broker");
  // The API hands out its proxy only while no provider is registered.
  if (tracer instanceof ProxyTracer) return { isRecording: false, startSpan: () => undefined };
  return {
    isRecording: true,
    startSpan: (method, traceparent, tracestate) => startCallSpan(tracer, method, { traceparent, tracestate }),
  };
}

interface TraceHeaders {
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
}

function startCallSpan(tracer: Tracer, method: string, headers: TraceHeaders): CallSpan {
  const slash = method.lastIndexOf("/");
  const attributes = {
    "rpc.system": "grpc",
    "rpc.service": method.slice(0, Math.max(slash, 0)),
    "rpc.method": method.slice(slash + 1),
  };
  const remote = headers.traceparent && parseTraceContext(headers.traceparent, headers.tracestate);
  const parent = remote ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT;
  const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
  return {
    traceId: span.spanContext().traceId,
    end: (code) => {
      endSpan(span, code);
    },
  };
}

/** The codes that are the server's fault; the others are answers. The set is OpenTelemetry's convention for servers. */
const serverFaults: ReadonlySet<string> = new Set([
  "UNKNOWN",
  "DEADLINE_EXCEEDED",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
]);

function endSpan(span: Span, code: number): void {
  const name = statusCodeName(code);
  span.setAttribute("rpc.grpc.status_code", code);
  if (serverFaults.has(name)) span.setStatus({ code: SpanStatusCode.ERROR, message: name });
  span.end();
}
