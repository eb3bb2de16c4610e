import { type handleBidiStreamingCall, type handleUnaryCall, status, type UntypedHandleCall } from "@grpc/grpc-js";
import type { Call } from "../broker/call.js";
import { SecretError } from "../domain/secret-error.js";
import type { Log } from "../log/log.js";
import { toSecretError, toWireError, type WireError } from "../rpc/encode-status.js";
import { malformedMessage, strictDecode } from "../rpc/strict-decode.js";
import type { CallMetrics, MethodMetrics } from "../telemetry/call-metrics.js";
import type { CallSpan, Tracing } from "../telemetry/tracing.js";
import { metadataByteLength, openCall, type OpenCallOptions, type WireCall } from "./open-call.js";
import type { MessageType, UnaryRpc } from "./rpc.js";

/** What the interceptor works with. */
export interface InterceptorOptions extends OpenCallOptions {
  readonly log: Log;
  readonly calls: CallMetrics;
  readonly tracing: Tracing;
  /** The most metadata a call may carry, names and values. */
  readonly maxMetadataBytes: number;
}

/** An RPC ready to be served: how grpc-js reads its request, and what it calls. */
export interface ServedRpc {
  readonly requestDeserialize: (bytes: Buffer) => unknown;
  readonly handle: UntypedHandleCall;
}

/** One RPC of a kind, waiting for its method's name. */
export type BindRpc = (method: string) => ServedRpc;

/**
 * What every call passes on its way in and out, in one pass: request id, caller, deadline, cancellation, bounds,
 * counters, span, log and the error model. Written around our handlers rather than as grpc-js interceptors: those cost
 * a chain of objects a call, and cannot replace the statuses that grpc-js gives by itself.
 */
export class Interceptor {
  readonly #options: InterceptorOptions;

  #callsUnderWay = 0;

  constructor(options: InterceptorOptions) {
    this.#options = options;
  }

  /** How many calls are being answered now. */
  get callsUnderWay(): number {
    return this.#callsUnderWay;
  }

  /** Serves a unary RPC. */
  unary<Request, Response>(rpc: UnaryRpc<Request, Response>): BindRpc {
    return (method) => {
      const metrics = this.#options.calls.forMethod(method);
      const handle: handleUnaryCall<Request | typeof malformedMessage, Response> = (wire, callback) => {
        const passage = this.#open(wire, method, metrics);
        this.#run(passage.call, wire, rpc).then(
          (response) => {
            this.#finish(passage, status.OK);
            callback(null, response);
          },
          (thrown: unknown) => {
            callback(this.#fail(passage, thrown));
          },
        );
      };
      return { requestDeserialize: (bytes) => strictDecode(rpc.request, bytes), handle };
    };
  }

  /** Serves a bidirectional RPC that only ever fails: the work settles its status, messages are not read. */
  refusedStream<Request>(request: MessageType<Request>, refuse: (call: Call) => Promise<never>): BindRpc {
    return (method) => {
      const metrics = this.#options.calls.forMethod(method);
      const handle: handleBidiStreamingCall<unknown, unknown> = (wire) => {
        const passage = this.#open(wire, method, metrics);
        // Reading on lets the caller's half-close through; what it said does not matter.
        wire.resume();
        refuse(passage.call).catch((thrown: unknown) => {
          wire.emit("error", this.#fail(passage, thrown));
        });
      };
      return { requestDeserialize: (bytes) => strictDecode(request, bytes), handle };
    };
  }

  #run<Request, Response>(
    call: Call,
    wire: WireCall & { readonly request: Request | typeof malformedMessage },
    rpc: UnaryRpc<Request, Response>,
  ): Promise<Response> {
    const { request } = wire;
    if (metadataByteLength(wire.metadata) > this.#options.maxMetadataBytes) {
      return Promise.reject(metadataTooLarge(this.#options));
    }
    if (request === malformedMessage) return Promise.reject(malformed());
    try {
      return rpc.handle(call, request);
    } catch (thrown) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what was thrown, as it was
      return Promise.reject(thrown);
    }
  }

  #open(wire: WireCall, method: string, metrics: MethodMetrics): Passage {
    const { tracing } = this.#options;
    metrics.started();
    this.#callsUnderWay += 1;
    return {
      call: openCall(wire, this.#options),
      method,
      metrics,
      startMs: performance.now(),
      span: tracing.isRecording ? tracing.startSpan(method, ...traceHeaders(wire)) : undefined,
    };
  }

  #finish({ call, metrics, startMs, span }: Passage, code: status): void {
    call.end();
    this.#callsUnderWay -= 1;
    metrics.finished(code, performance.now() - startMs);
    span?.end(code);
  }

  #fail(passage: Passage, thrown: unknown): WireError {
    const { call, method, span } = passage;
    const error = toSecretError(thrown);
    const wireError = toWireError(error, call.requestId);
    this.#finish(passage, wireError.code);
    const facts = { requestId: call.requestId, method, reason: error.reason, traceId: span?.traceId };
    if (error.reason === "INTERNAL_ERROR")
      this.#options.log.error(facts, "a call failed within the broker", { thrown });
    else this.#options.log.debug(facts, "a call was refused or failed");
    return wireError;
  }
}

/** One call on its way through. */
interface Passage {
  readonly call: Call;
  readonly method: string;
  readonly metrics: MethodMetrics;
  readonly startMs: number;
  readonly span: CallSpan | undefined;
}

function traceHeaders({ metadata }: WireCall): [string | undefined, string | undefined] {
  const [traceparent] = metadata.get("traceparent");
  const [tracestate] = traceparent === undefined ? [] : metadata.get("tracestate");
  return [textOf(traceparent), textOf(tracestate)];
}

function textOf(value: string | Buffer | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function metadataTooLarge({ maxMetadataBytes }: InterceptorOptions): SecretError {
  const description = `must be at most ${String(maxMetadataBytes)} bytes, names and values`;
  return SecretError.fieldInvalid([{ field: "metadata", description }]);
}

function malformed(): SecretError {
  const description = "must be a whole protobuf message of the RPC's request type with strings in UTF-8";
  return SecretError.fieldInvalid([{ field: "message", description }]);
}
