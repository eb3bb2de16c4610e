import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A way to a port that lets a client's greeting through, and holds all it sends afterwards until it is told. */
export class SlowWay {
  readonly port: number;
  /** Resolves once something is held. */
  readonly isHeld: Promise<void>;
  readonly #held: Buffer[] = [];
  readonly #server: Server;
  #isFirst = true;
  #isReleased = false;
  #toServer: Socket | undefined;
  #resolveHeld: () => void = () => undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.isHeld = new Promise((resolve) => (this.#resolveHeld = resolve));
  }

  /** Begins to listen. */
  static async to(port: number): Promise<SlowWay> {
    const server = createServer((client) => {
      const toServer = connect(port, "localhost");
      way.#toServer = toServer;
      toServer.pipe(client);
      client.on("data", (piece: Buffer) => way.#pass(piece));
      for (const socket of [client, toServer]) socket.on("error", () => socket.destroy());
    });
    server.listen(0, "localhost");
    await once(server, "listening");
    const way = new SlowWay(server);
    return way;
  }

  /** Lets everything through from now on. */
  release(): void {
    this.#isReleased = true;
    for (const piece of this.#held.splice(0)) this.#toServer?.write(piece);
  }

  close(): void {
    this.#server.close();
    this.#toServer?.destroy();
  }

  #pass(piece: Buffer): void {
    if (this.#isReleased || this.#isFirst) {
      this.#isFirst = false;
      this.#toServer?.write(piece);
    } else {
      this.#held.push(piece);
      this.#resolveHeld();
    }
  }
}
