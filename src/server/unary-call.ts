import {
  type Deadline,
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from "@grpc/grpc-js";
import { malformedMessage } from "../rpc/strict-decode.js";
import { LateRequests, type Refuses } from "./late-requests.js";

type Listener = Parameters<ServerInterceptingCallInterface["start"]>[0];
type Status = Parameters<ServerInterceptingCallInterface["sendStatus"]>[0];

/**
 * How unary calls pass through grpc-js.
 *
 * The status of a call is given right after its answer. By itself grpc-js waits until the answer is written, which is some
 * percent of what a call costs; Node.js sends the one after the other anyway.
 *
 * And grpc-js hands a call over once its request is there as a whole, so that whoever is nobody could have the server hold
 * as many beginnings of requests as there may be streams. A request that does not come with its headers is only waited for
 * when its caller is not refused.
 * @param isIdentified whether the callers of a method have to prove who they are, by its path
 */
export function unaryCalls(refuses: Refuses, isIdentified: (path: string) => boolean): ServerInterceptor {
  const late = new LateRequests(refuses);
  return ({ path, requestStream, responseStream }, call) => {
    if (requestStream || responseStream) return new ServerInterceptingCall(call);
    return new UnaryCall(call, isIdentified(path) ? late : undefined);
  };
}

/** Hands everything on as it is, but for the waits; the rest of its base class looks for interceptors to ask. */
class UnaryCall extends ServerInterceptingCall implements Listener {
  readonly #next: ServerInterceptingCallInterface;
  readonly #late: LateRequests | undefined;
  #listener: Listener | undefined;
  /** What the call says of its caller; undefined before it has begun. */
  metadata: Metadata | undefined;
  /** Whether its request is there. */
  hasRequest = false;
  #isRefused = false;

  constructor(next: ServerInterceptingCallInterface, late: LateRequests | undefined) {
    super(next);
    this.#next = next;
    this.#late = late;
  }

  /** Ends the wait for the request: the handler refuses the caller before it looks at it. */
  refuse(): void {
    this.#isRefused = true;
    this.#listener?.onReceiveMessage(malformedMessage);
    this.#listener?.onReceiveHalfClose();
  }

  override start(listener: Listener): void {
    this.#listener = listener;
    this.#next.start(this);
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.metadata = metadata;
    this.#listener?.onReceiveMetadata(metadata);
  }

  onReceiveMessage(message: unknown): void {
    this.hasRequest = true;
    if (!this.#isRefused) this.#listener?.onReceiveMessage(message);
  }

  onReceiveHalfClose(): void {
    if (!this.#isRefused) this.#listener?.onReceiveHalfClose();
  }

  onCancel(): void {
    this.#listener?.onCancel();
  }

  override startRead(): void {
    if (this.#isRefused) return;
    if (!this.hasRequest) this.#late?.await(this);
    this.#next.startRead();
  }

  override sendMetadata(metadata: Metadata): void {
    this.#next.sendMetadata(metadata);
  }

  override sendMessage(message: unknown, onSent: () => void): void {
    this.#next.sendMessage(message, nothingToDo);
    onSent();
  }

  override sendStatus(status: Status): void {
    this.#next.sendStatus(status);
  }

  override getPeer(): string {
    return this.#next.getPeer();
  }

  override getDeadline(): Deadline {
    return this.#next.getDeadline();
  }
}

function nothingToDo(): void {
  // The status is sent already; where an answer cannot be, grpc-js sends its own and takes no other.
}
