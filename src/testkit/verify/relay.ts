import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Stands between a broker and a manager, and makes the way as bad as it is told to. */
export class Relay {
  /** Where the broker dials it. */
  readonly path: string;
  /** How long each piece of a message is held up, in milliseconds. */
  delayMs = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #folder: string;

  private constructor(server: Server, folder: string) {
    this.#server = server;
    this.#folder = folder;
    this.path = join(folder, "relay.sock");
  }

  /** Opens one in front of an address. */
  static async open(target: NetConnectOpts): Promise<Relay> {
    const folder = await mkdtemp(join(tmpdir(), "secret-broker-relay-"));
    const server = createServer();
    const relay = new Relay(server, folder);
    server.on("connection", (near) => {
      relay.#join(near, connect(target));
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(relay.path, resolve);
    });
    return relay;
  }

  /** Cuts every connection, wherever its messages are. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends it. */
  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    await rm(this.#folder, { recursive: true, force: true });
  }

  #join(near: Socket, far: Socket): void {
    void this.#pass(near, far);
    void this.#pass(far, near);
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
  }

  async #pass(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const piece of from) {
        if (this.delayMs > 0) await delay(this.delayMs * Math.random());
        to.write(piece as Buffer);
      }
      to.end();
    } catch {
      // It was cut.
    }
  }
}
