import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import type { SecureContextOptions } from "node:tls";
import { ReadSecretRequest, SecretBrokerService } from "#built/gen/secretbroker/v1/secret_broker.js";
import { percentile } from "./statistics.ts";

/** What a load found out. */
export interface LoadResult {
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** How a load proves who it is; nothing in plaintext. */
export interface LoadIdentity {
  /** Whom it trusts, and its certificate if it has one. */
  readonly tls?: SecureContextOptions;
  readonly token?: string;
}

/** How many calls are under way at once, over how many connections. */
const inFlight = 64;
const connections = 4;

const headers = {
  ":method": "POST",
  ":path": SecretBrokerService.readSecret.path,
  "content-type": "application/grpc",
  te: "trailers",
};

/**
 * A client that reads as fast as its server answers. On node:http2 alone with requests encoded ahead: through grpc-js
 * a call costs the client more than it costs the server, and the server would mostly wait.
 */
export class ReadLoad {
  readonly #sessions: readonly ClientHttp2Session[];
  readonly #requests: readonly Buffer[];
  readonly #headers: Readonly<Record<string, string>>;

  constructor(address: string, names: readonly string[], { tls, token }: LoadIdentity = {}) {
    this.#requests = names.map(requestOf);
    const scheme = tls === undefined ? "http" : "https";
    this.#sessions = Array.from({ length: connections }, () => connect(`${scheme}://${address}`, tls));
    this.#headers = token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` };
  }

  /** Reads for a time, so many at once. */
  async run(durationMs: number, atOnce: number = inFlight): Promise<LoadResult> {
    const latenciesMs: number[] = [];
    const endMs = performance.now() + durationMs;
    const workers = Array.from({ length: atOnce }, async (_, worker) => {
      while (performance.now() < endMs) latenciesMs.push(await this.#read(worker + latenciesMs.length));
    });
    await Promise.all(workers);
    return { calls: latenciesMs.length, p50Ms: percentile(latenciesMs, 0.5), p99Ms: percentile(latenciesMs, 0.99) };
  }

  /** Reads so many times, for the server's code to be compiled and optimised. */
  async warmUp(calls: number): Promise<void> {
    for (let done = 0; done < calls; done += inFlight) {
      await Promise.all(Array.from({ length: inFlight }, (_, turn) => this.#read(done + turn)));
    }
  }

  /** Ends the connections. */
  close(): void {
    for (const session of this.#sessions) session.close();
  }

  #read(turn: number): Promise<number> {
    const startMs = performance.now();
    const session = this.#sessions[turn % this.#sessions.length];
    const request = this.#requests[turn % this.#requests.length];
    return new Promise((resolve, reject) => {
      const stream = session?.request(this.#headers);
      let status: unknown;
      let bytes = 0;
      stream?.on("data", (chunk: Buffer) => (bytes += chunk.length));
      stream?.on("trailers", (trailers: IncomingHttpHeaders) => {
        status = trailers["grpc-status"];
      });
      stream?.on("error", reject);
      stream?.on("close", () => {
        if (status === "0" && bytes > 5) resolve(performance.now() - startMs);
        else reject(new Error(`a read of the bench ended with status ${String(status)}`));
      });
      stream?.end(request);
    });
  }
}

/** A request as it stands on the wire: a flag for compression, four bytes of length, the message. */
function requestOf(name: string): Buffer {
  const message = ReadSecretRequest.encode({ name, options: undefined, field: "", maxStaleness: undefined }).finish();
  const framed = Buffer.alloc(5 + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, 5);
  return framed;
}
