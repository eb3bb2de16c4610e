import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** What every client of HTTP/2 sends first, and empty settings. */
export const preface: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Types of frames. */
export const frameTypes = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7 } as const;

/** A frame as it stands on the wire; the length may be made to lie. */
export function frame(
  type: number,
  { flags = 0, stream = 0, length }: { readonly flags?: number; readonly stream?: number; readonly length?: number },
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length ?? payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The last stream that a server says it has looked at when it closes a connection; undefined without such a word. */
export function lastStreamOf(received: Buffer): number | undefined {
  for (let at = 0; at + 17 <= received.length; at += 9 + received.readUIntBE(at, 3)) {
    if (received[at + 3] === frameTypes.goAway) return received.readUInt32BE(at + 9);
  }
  return undefined;
}

/** A connection below HTTP/2, whose end is waited for. */
export interface RawConnection {
  readonly socket: Socket;
  /** Resolves with everything that was received, once it is closed. */
  readonly closed: Promise<Buffer>;
}

/** Connects to `host:port`, with TLS where an authority is given. */
export async function connectRaw(address: string, authority?: string): Promise<RawConnection> {
  const port = Number(address.split(":").at(-1));
  const socket =
    authority === undefined
      ? connect(port, "127.0.0.1")
      : connectTls({ port, host: "127.0.0.1", servername: "localhost", ca: authority, ALPNProtocols: ["h2"] });
  const received: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => received.push(chunk));
  const closed = new Promise<Buffer>((resolve) => {
    socket.once("close", () => {
      resolve(Buffer.concat(received));
    });
  });
  socket.on("error", () => undefined);
  await Promise.race([once(socket, authority === undefined ? "connect" : "secureConnect"), closed]);
  return { socket, closed };
}
