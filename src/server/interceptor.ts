import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
  status,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import type { Call } from "../broker/call.js";
import type { Gate, RefusedCalls } from "../broker/refused-calls.js";
import type { Action } from "../domain/action.js";
import { isSecretError, SecretError } from "../domain/secret-error.js";
import type { Log } from "../log/log.js";
import { toSecretError, toWireError, type WireError } from "../rpc/encode-status.js";
import { malformed, malformedMessage, strictDecode } from "../rpc/strict-decode.js";
import type { CallMetrics, MethodMetrics } from "../telemetry/call-metrics.js";
import type { CallSpan, Tracing } from "../telemetry/tracing.js";
import type { Admission, CallLimits } from "./call-limits.js";
import { type Identify, openCall, type OpenCallOptions, type OpenedCall, type WireCall } from "./open-call.js";
import { actionOf, nameIn } from "./rpc-actions.js";
import type { StreamRpc, UnaryRpc } from "./rpc.js";
import { WireStream } from "./wire-stream.js";

/** What the interceptor works with. */
export interface InterceptorOptions extends OpenCallOptions {
  readonly log: Log;
  readonly calls: CallMetrics;
  readonly limits: CallLimits;
  readonly refused: RefusedCalls;
  readonly tracing: Tracing;
  /** The most metadata a call may carry, names and values. */
  readonly maxMetadataBytes: number;
}

/** An RPC ready to be served: how grpc-js reads its request, and what it calls. */
export interface ServedRpc {
  readonly requestDeserialize: (bytes: Buffer) => unknown;
  readonly handle: UntypedHandleCall;
}

/** One RPC of a kind, waiting for its method's name and for who tells the callers of a listener. */
export type BindRpc = (method: string, identify: Identify) => ServedRpc;

/**
 * What every call passes on its way in and out, in one pass: request id, caller, deadline, cancellation, bounds,
 * counters, span, log and the error model. Written around our handlers rather than as grpc-js interceptors: those cost
 * a chain of objects a call, and cannot replace the statuses that grpc-js gives by itself.
 */
export class Interceptor {
  readonly #options: InterceptorOptions;
  #callsUnderWay = 0;
  #openStreams = 0;

  constructor(options: InterceptorOptions) {
    this.#options = options;
  }

  /** How many calls are being answered now. */
  get callsUnderWay(): number {
    return this.#callsUnderWay;
  }

  /** Whether any call is open, streams too. */
  get hasOpenCalls(): boolean {
    return this.#callsUnderWay + this.#openStreams > 0;
  }

  /** Serves a unary RPC. */
  unary<Request, Response>(rpc: UnaryRpc<Request, Response>): BindRpc {
    return (method, identify) => {
      const served = this.#serve(method);
      const handle: handleUnaryCall<Request | typeof malformedMessage, Response> = (wire, callback) => {
        const passage = this.#open(wire, identify, served);
        this.#run(passage, wire, rpc).then(
          (response) => {
            this.#finish(passage, status.OK);
            callback(null, response);
          },
          (thrown: unknown) => {
            this.#failRecorded(passage, thrown, { request: wire.request, answer: callback });
          },
        );
      };
      return { requestDeserialize: (bytes) => strictDecode(rpc.request, bytes), handle };
    };
  }

  /** Serves a bidirectional RPC, which goes on until its handler rejects. */
  stream<Request, Response>(rpc: StreamRpc<Request, Response>): BindRpc {
    return (method, identify) => {
      const served = this.#serve(method);
      const handle: handleBidiStreamingCall<Request | typeof malformedMessage, Response> = (wire) => {
        const passage = this.#openStream(wire, identify, served);
        this.#follow(passage, wire, rpc).catch((thrown: unknown) => {
          const answer = (error: WireError): void => void wire.emit("error", error);
          this.#failRecorded(passage, thrown, { request: undefined, answer });
        });
      };
      return { requestDeserialize: (bytes) => strictDecode(rpc.request, bytes), handle };
    };
  }

  /** Without a frame of its own that would wait as long as the stream does. */
  #follow<Request, Response>(
    passage: Passage,
    wire: ServerDuplexStream<Request | typeof malformedMessage, Response>,
    rpc: StreamRpc<Request, Response>,
  ): Promise<never> {
    if (passage.pending !== undefined)
      return this.#runLater(passage, passage.pending, () => this.#follow(passage, wire, rpc));
    try {
      this.#admit(passage);
      return rpc.handle(passage.call, new WireStream(wire, passage.call, () => this.#awaitTurn(passage)));
    } catch (thrown) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what was thrown, as it was
      return Promise.reject(thrown);
    }
  }

  #run<Request, Response>(
    passage: Passage,
    wire: WireCall & { readonly request: Request | typeof malformedMessage },
    rpc: UnaryRpc<Request, Response>,
  ): Promise<Response> {
    if (passage.pending !== undefined)
      return this.#runLater(passage, passage.pending, () => this.#run(passage, wire, rpc));
    const { request } = wire;
    try {
      this.#admit(passage);
      if (request === malformedMessage) throw malformed();
      return rpc.handle(passage.call, request);
    } catch (thrown) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what was thrown, as it was
      return Promise.reject(thrown);
    }
  }

  /** A caller whose credential must be verified first, which is once for each. */
  async #runLater<Response>(passage: Passage, pending: Promise<Call>, run: () => Promise<Response>): Promise<Response> {
    passage.call = await pending;
    passage.pending = undefined;
    return await run();
  }

  /** @throws SecretError `FIELD_INVALID` for too much metadata, `RATE_LIMITED` */
  #admit(passage: Passage): void {
    const { maxMetadataBytes, limits } = this.#options;
    if (passage.metadataBytes > maxMetadataBytes) throw metadataTooLarge(maxMetadataBytes);
    if (passage.refusal !== undefined) throw passage.refusal;
    limits.enter(passage.call.caller.principal, passage.kind);
    passage.isAdmitted = true;
  }

  #awaitTurn(passage: Passage): Promise<void> {
    return this.#options.limits.awaitTurn(passage.call.caller.principal, (giveUp) => {
      passage.giveUp = giveUp;
    });
  }

  #open(wire: WireCall, identify: Identify, served: Served): Passage {
    this.#callsUnderWay += 1;
    return this.#enter(wire, "call", [openCall(wire, identify, this.#options), served]);
  }

  /** A stream goes on as long as the caller wants, and nobody waits for its end. */
  #openStream(wire: WireCall, identify: Identify, served: Served): Passage {
    this.#openStreams += 1;
    const opened = openCall(wire, identify, { ...this.#options, defaultDeadlineMs: () => Infinity });
    return this.#enter(wire, "watch", [opened, served]);
  }

  #enter(
    wire: WireCall,
    kind: Admission,
    [{ call, pending, refusal, metadataBytes }, { method, action, metrics }]: readonly [OpenedCall, Served],
  ): Passage {
    const { tracing } = this.#options;
    metrics.started();
    return {
      call,
      pending,
      refusal,
      metadataBytes,
      kind,
      method,
      action,
      metrics,
      isAdmitted: false,
      giveUp: undefined,
      span: tracing.isRecording ? tracing.startSpan(method, ...traceHeaders(wire)) : undefined,
    };
  }

  #finish({ call, kind, isAdmitted, giveUp, metrics, span }: Passage, code: status): void {
    call.end();
    giveUp?.();
    if (kind === "watch") this.#openStreams -= 1;
    else this.#callsUnderWay -= 1;
    if (isAdmitted) this.#options.limits.leave(call.caller.principal, kind);
    metrics.finished(code, performance.now() - call.startMs);
    span?.end(code);
  }

  /** Answers a failure; one before policy was asked once it is on record. */
  #failRecorded(
    passage: Passage,
    thrown: unknown,
    { request, answer }: { readonly request: unknown; readonly answer: (error: WireError) => void },
  ): void {
    const gate = passage.isAdmitted ? undefined : gateOf(passage, thrown);
    const { action } = passage;
    const recorded =
      gate &&
      this.#options.refused.record(passage.call, {
        ...{ gate, action, reason: toSecretError(thrown).reason },
        name: nameIn(request),
      });
    if (recorded === undefined) answer(this.#fail(passage, thrown));
    else void recorded.then(() => answer(this.#fail(passage, thrown)));
  }

  #serve(method: string): Served {
    return { method, action: actionOf(method), metrics: this.#options.calls.forMethod(method) };
  }

  #fail(passage: Passage, thrown: unknown): WireError {
    const { call, method, span } = passage;
    const error = toSecretError(thrown);
    const wireError = toWireError(error, call.requestId);
    this.#finish(passage, wireError.code);
    const facts = { requestId: call.requestId, method, reason: error.reason, traceId: span?.traceId };
    if (error.reason === "INTERNAL_ERROR")
      this.#options.log.error(facts, "a call failed within the broker", { thrown });
    else this.#options.log.debug(facts, "a call was refused or failed", whyInvalid(error));
    return wireError;
  }
}

/** Which RPC is served. */
interface Served {
  readonly method: string;
  readonly action: Action;
  readonly metrics: MethodMetrics;
}

/** One call on its way through. */
interface Passage extends OpenedCall {
  call: Call;
  pending: Promise<Call> | undefined;
  readonly kind: Admission;
  /** Whether it counts in the limits. */
  isAdmitted: boolean;
  /** Ends what waits for its turn. */
  giveUp: (() => void) | undefined;
  readonly method: string;
  readonly action: Action;
  readonly metrics: MethodMetrics;
  readonly span: CallSpan | undefined;
}

/** What refused a call that was not let in; undefined for a request that breaks a rule. */
function gateOf({ pending, refusal }: Passage, thrown: unknown): Gate | undefined {
  if (thrown === refusal || pending !== undefined) return "authentication";
  return isSecretError(thrown) && thrown.reason === "RATE_LIMITED" ? "limits" : undefined;
}

/** What is wrong with a credential, of which its sender is told as little as can be. */
function whyInvalid(error: SecretError): { readonly thrown: unknown } | undefined {
  return error.reason === "CREDENTIAL_INVALID" ? { thrown: error } : undefined;
}

function traceHeaders({ metadata }: WireCall): [string | undefined, string | undefined] {
  const [traceparent] = metadata.get("traceparent");
  const [tracestate] = traceparent === undefined ? [] : metadata.get("tracestate");
  return [textOf(traceparent), textOf(tracestate)];
}

function textOf(value: string | Buffer | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function metadataTooLarge(maxMetadataBytes: number): SecretError {
  const description = `must be at most ${String(maxMetadataBytes)} bytes, names and values`;
  return SecretError.fieldInvalid([{ field: "metadata", description }]);
}
