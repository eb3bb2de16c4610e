import type { Socket } from "node:net";

/** What every HTTP/2 client sends first, before it has heard anything. */
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/**
 * Waits until a client has shown that it speaks HTTP/2, and puts back what it sent. Whoever sends something else is cut
 * off, and whoever sends nothing has cost no session of HTTP/2 when the time is over.
 */
export function awaitPreface(socket: Socket, onReady: () => void): void {
  let received: Buffer = Buffer.alloc(0);
  const onReadable = (): void => {
    for (let chunk = readFrom(socket); chunk !== undefined; chunk = readFrom(socket)) {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    }
    const length = Math.min(preface.length, received.length);
    if (received.compare(preface, 0, length, 0, length) !== 0) {
      socket.destroy();
    } else if (length === preface.length) {
      socket.off("readable", onReadable);
      socket.unshift(received);
      onReady();
    }
  };
  socket.on("readable", onReadable);
}

function readFrom(socket: Socket): Buffer | undefined {
  const chunk: unknown = socket.read();
  return Buffer.isBuffer(chunk) ? chunk : undefined;
}
