import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { Call } from "../broker/call.js";
import { malformed, malformedMessage } from "../rpc/strict-decode.js";
import type { CallStream } from "./rpc.js";

/** A bidirectional gRPC call as its handler sees it. */
export class WireStream<Request, Response> implements CallStream<Request, Response> {
  readonly #wire: ServerDuplexStream<Request | typeof malformedMessage, Response>;
  readonly #call: Call;
  /** {@inheritDoc CallStream.awaitTurn} */
  readonly awaitTurn: () => Promise<void>;

  constructor(
    wire: ServerDuplexStream<Request | typeof malformedMessage, Response>,
    call: Call,
    awaitTurn: () => Promise<void>,
  ) {
    this.#wire = wire;
    this.#call = call;
    this.awaitTurn = awaitTurn;
  }

  /** {@inheritDoc CallStream.listen} */
  listen(take: (request: Request) => Promise<void>, fail: (thrown: unknown) => void): void {
    const wire = this.#wire;
    const goOn = (): void => {
      wire.resume();
    };
    wire.on("data", (request: Request | typeof malformedMessage) => {
      wire.pause();
      if (request === malformedMessage) fail(malformed());
      else take(request).then(goOn, fail);
    });
  }

  /** {@inheritDoc CallStream.send} */
  async send(response: Response): Promise<void> {
    this.#call.assertLive();
    if (!this.#wire.write(response)) await this.#drained();
  }

  async #drained(): Promise<void> {
    // Not before: a watcher that reads what it is sent never needs a signal.
    const { signal } = this.#call;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const goOn = (): void => {
      resolve(undefined);
    };
    this.#wire.once("drain", goOn);
    signal.addEventListener("abort", goOn);
    await promise;
    this.#wire.off("drain", goOn);
    signal.removeEventListener("abort", goOn);
    signal.throwIfAborted();
  }
}
