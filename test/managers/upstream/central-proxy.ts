import { connect, createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";

/** The way to a central broker, which can be closed and opened again; its address stays. */
export class CentralProxy {
  readonly address: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isOpen = true;

  private constructor(server: Server, address: string) {
    this.#server = server;
    this.address = address;
  }

  /** @param target `unix:PATH` */
  static async open(target: string): Promise<CentralProxy> {
    const server = createServer((socket) => {
      proxy.#join(socket, target.slice("unix:".length));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : 0;
    const proxy = new CentralProxy(server, `127.0.0.1:${String(port)}`);
    return proxy;
  }

  /** Ends every connection, and each new one, until it is opened again. */
  shut(): void {
    this.#isOpen = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Lets nothing through any more, and nobody hears of it. */
  silence(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  reopen(): void {
    this.#isOpen = true;
  }

  close(): void {
    this.shut();
    this.#server.close();
  }

  #join(near: Socket, path: string): void {
    if (!this.#isOpen) {
      near.destroy();
      return;
    }
    const far = connect(path);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}
