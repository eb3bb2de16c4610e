import {
  type Deadline,
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from "@grpc/grpc-js";

type Listener = Parameters<ServerInterceptingCallInterface["start"]>[0];
type Status = Parameters<ServerInterceptingCallInterface["sendStatus"]>[0];

/**
 * Gives the status of a unary call right after its answer. By itself grpc-js waits until the answer is written, which is
 * some percent of what a call costs; Node.js sends the one after the other anyway.
 */
export const promptStatus: ServerInterceptor = ({ requestStream, responseStream }, call) =>
  requestStream || responseStream ? new ServerInterceptingCall(call) : new UnaryCall(call);

/** Hands everything on as it is, but for the wait; the rest of its base class looks for interceptors to ask. */
class UnaryCall extends ServerInterceptingCall {
  readonly #next: ServerInterceptingCallInterface;

  constructor(next: ServerInterceptingCallInterface) {
    super(next);
    this.#next = next;
  }

  override start(listener: Listener): void {
    this.#next.start(listener);
  }

  override startRead(): void {
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
