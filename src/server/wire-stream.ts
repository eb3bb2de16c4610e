import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { Call } from "../broker/call.js";
import { malformed, malformedMessage } from "../rpc/strict-decode.js";
import type { CallStream } from "./rpc.js";

/** A bidirectional gRPC call as its handler sees it. */
export class WireStream<Request, Response> implements CallStream<Request, Response> {
  readonly #wire: ServerDuplexStream<Request | typeof malformedMessage, Response>;
  readonly #call: Call;

  constructor(wire: ServerDuplexStream<Request | typeof malformedMessage, Response>, call: Call) {
    this.#wire = wire;
    this.#call = call;
  }

  async *requests(): AsyncGenerator<Request> {
    // The caller may close its side and still want to be answered.
    for await (const message of this.#wire.iterator({ destroyOnReturn: false })) {
      const request = message as Request | typeof malformedMessage;
      if (request === malformedMessage) throw malformed();
      yield request;
    }
  }

  async send(response: Response): Promise<void> {
    const { signal } = this.#call;
    signal.throwIfAborted();
    if (this.#wire.write(response)) return;
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
