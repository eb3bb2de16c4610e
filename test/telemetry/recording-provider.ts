import {
  type Attributes,
  type Context,
  INVALID_SPANID,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  type SpanStatus,
  SpanStatusCode,
  trace,
  type Tracer,
  TraceFlags,
  type TracerProvider,
} from "@opentelemetry/api";

/** A span as it was recorded. */
export interface RecordedSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  readonly parent: SpanContext | undefined;
  status: SpanStatus;
  ended: boolean;
}

/** A tracer provider that keeps every span in memory. */
export class RecordingProvider implements TracerProvider {
  readonly spans: RecordedSpan[] = [];

  getTracer(): Tracer {
    return {
      startSpan: (name, options, context) => this.#start(name, options, context),
      startActiveSpan: () => {
        throw new Error("the broker does not make active spans");
      },
    };
  }

  #start(name: string, options: SpanOptions = {}, context?: Context): Span {
    const parent = context && trace.getSpanContext(context);
    const recorded: RecordedSpan = {
      name,
      kind: options.kind ?? SpanKind.INTERNAL,
      attributes: { ...options.attributes },
      parent,
      status: { code: SpanStatusCode.UNSET },
      ended: false,
    };
    this.spans.push(recorded);
    return spanOf(recorded);
  }
}

function spanOf(recorded: RecordedSpan): Span {
  const span: Span = {
    spanContext: () => ({
      traceId: recorded.parent?.traceId ?? "1".repeat(32),
      spanId: INVALID_SPANID.replace("0", "1"),
      traceFlags: TraceFlags.SAMPLED,
    }),
    setAttribute: (key, value) => {
      recorded.attributes[key] = value;
      return span;
    },
    setAttributes: (attributes) => {
      Object.assign(recorded.attributes, attributes);
      return span;
    },
    setStatus: (status) => {
      recorded.status = status;
      return span;
    },
    end: () => {
      recorded.ended = true;
    },
    addEvent: () => span,
    addLink: () => span,
    addLinks: () => span,
    updateName: () => span,
    isRecording: () => true,
    recordException: () => undefined,
  };
  return span;
}
