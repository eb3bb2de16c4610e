import { connect, type Socket } from "node:net";
import { hostname } from "node:os";
import type { AuditTarget } from "./audit-target.js";

/** Where a syslog daemon listens. */
export type SyslogAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** Facility 13, "log audit", with the severity "informational" (RFC 5424, 6.2.1). */
const priority = 13 * 8 + 6;

const connectTimeoutMs = 2_000;

/** Sends each line as a syslog message (RFC 5424), with its length before it (RFC 6587, 3.4.1). Each connection begins a chain. */
export class SyslogTarget implements AuditTarget {
  readonly description: string;
  readonly isKept = false;
  readonly bytes = 0;
  readonly #address: SyslogAddress;
  readonly #host: string =
    hostname() === ""
      ? "-"
      : hostname()
          .replaceAll(/[^!-~]/gu, "")
          .slice(0, 255);
  #socket: Socket | undefined;

  constructor(address: SyslogAddress) {
    this.#address = address;
    this.description =
      "path" in address ? `syslog at ${address.path}` : `syslog at ${address.host}:${String(address.port)}`;
  }

  async open(): Promise<{ readonly end: undefined; readonly torn: undefined }> {
    await this.close();
    this.#socket = await openSocket(this.#address);
    return { end: undefined, torn: undefined };
  }

  append(bytes: Buffer): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) return Promise.reject(new Error("the syslog daemon is gone"));
    const time = new Date().toISOString();
    const messages = bytes
      .toString("utf8")
      .trimEnd()
      .split("\n")
      .map((line) => this.#frame(line, time));
    return new Promise((resolve, reject) => {
      socket.write(messages.join(""), (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  check(): Promise<{ readonly what: string; readonly isLoss: boolean } | undefined> {
    const isGone = this.#socket?.destroyed === true || this.#socket?.readableEnded === true;
    return Promise.resolve(isGone ? { what: "the syslog daemon closed the connection", isLoss: false } : undefined);
  }

  rotate(): Promise<boolean> {
    return Promise.resolve(false);
  }

  close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined || socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      socket.once("close", () => {
        resolve();
      });
      socket.end();
      // A daemon that never closes its side is not waited for.
      socket.setTimeout(connectTimeoutMs, () => socket.destroy());
    });
  }

  #frame(line: string, time: string): string {
    const kind = line.startsWith('{"audit":') ? "chain" : "record";
    const message = `<${String(priority)}>1 ${time} ${this.#host} secret-broker ${String(process.pid)} ${kind} - ${line}`;
    return `${String(Buffer.byteLength(message))} ${message}`;
  }
}

function openSocket(address: SyslogAddress): Promise<Socket> {
  const socket = connect(address);
  return new Promise((resolve, reject) => {
    // Stays, as an error that nobody listens to ends the process.
    socket.on("error", reject);
    socket.setTimeout(connectTimeoutMs, () => {
      socket.destroy(Object.assign(new Error("the syslog daemon does not answer"), { code: "ETIMEDOUT" }));
    });
    socket.once("connect", () => {
      socket.setTimeout(0);
      // What it says is nothing to us; read, so that its end is seen.
      socket.resume();
      resolve(socket);
    });
  });
}
