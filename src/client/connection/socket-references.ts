import type { Socket } from "node:net";

interface Adopted {
  readonly ref: () => void;
  readonly unref: () => void;
}

/**
 * Decides whether a client's connections keep the process alive: as long as something waits for an answer, and no
 * longer. gRPC itself would let every open stream do so, and a watch is open for ever.
 */
export class SocketReferences {
  readonly #sockets = new Map<Socket, Adopted>();
  #waiting = 0;

  /** Takes a connection over from gRPC, which refers to it through the socket. */
  adopt(socket: Socket): void {
    const adopted = { ref: socket.ref.bind(socket), unref: socket.unref.bind(socket) };
    socket.ref = (): Socket => socket;
    socket.unref = (): Socket => socket;
    this.#sockets.set(socket, adopted);
    socket.once("close", () => this.#sockets.delete(socket));
    if (this.#waiting > 0) adopted.ref();
    else adopted.unref();
  }

  /** Somebody waits for an answer. */
  hold(): void {
    this.#waiting += 1;
    if (this.#waiting === 1) for (const { ref } of this.#sockets.values()) ref();
  }

  /** Nobody waits for that answer any more. */
  release(): void {
    this.#waiting -= 1;
    if (this.#waiting === 0) for (const { unref } of this.#sockets.values()) unref();
  }
}
