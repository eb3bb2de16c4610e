import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** What becomes of a message from the client. */
export type Verdict = "forward" | "drop and cut" | "forward and cut";

/** Stands between a client and a server: a network that fails when a test wants it to. */
export class Relay {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #judge: (message: string) => Verdict = () => "forward";
  #isSilent = false;

  private constructor(targetPort: number) {
    this.#server = createServer((client) => {
      this.#join(client, connect(targetPort, "127.0.0.1"));
    });
  }

  /** Begins to pass on what comes. */
  static async start(targetPort: number): Promise<Relay> {
    const relay = new Relay(targetPort);
    relay.#server.listen(0, "127.0.0.1");
    await once(relay.#server, "listening");
    return relay;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** How many connections there are. */
  get size(): number {
    return this.#pairs.size;
  }

  /** Decides about each message from now on. */
  judge(judge: (message: string) => Verdict): void {
    this.#judge = judge;
  }

  /** Passes nothing on, and closes nothing either, until it is told otherwise. */
  set isSilent(isSilent: boolean) {
    this.#isSilent = isSilent;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket, server: Socket): void {
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    client.on("data", (chunk: Buffer) => {
      if (this.#isSilent) return;
      const verdict = this.#judge(chunk.toString("latin1"));
      if (verdict === "forward") server.write(chunk);
      // The answer, which comes after what was sent, no longer reaches the client.
      else if (verdict === "forward and cut") {
        server.end(chunk);
        client.destroy();
      } else this.#end(pair);
    });
    server.on("data", (chunk: Buffer) => {
      if (!this.#isSilent && !client.destroyed) client.write(chunk);
    });
    for (const socket of pair) {
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.#pairs.delete(pair);
        if (socket === server || !server.writableEnded) this.#end(pair);
      });
    }
  }

  #end(pair: readonly [Socket, Socket]): void {
    for (const socket of pair) socket.destroy();
  }
}
