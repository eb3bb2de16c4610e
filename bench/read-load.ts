import { credentials } from "@grpc/grpc-js";
import { SecretBrokerClient as Stub } from "#built/gen/secretbroker/v1/secret_broker.js";
import { percentile } from "./statistics.ts";

/** What a load found out. */
export interface LoadResult {
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** How many calls are under way at once, over how many connections. */
const inFlight = 64;
const connections = 4;

/** A client that reads as fast as its server answers. */
export class ReadLoad {
  readonly #stubs: readonly Stub[];
  readonly #names: readonly string[];

  constructor(address: string, names: readonly string[]) {
    this.#names = names;
    this.#stubs = Array.from({ length: connections }, () => {
      // Channels to one address share connections unless they keep their own.
      return new Stub(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
    });
  }

  /** Reads for a time. */
  async run(durationMs: number): Promise<LoadResult> {
    const latenciesMs: number[] = [];
    const endMs = performance.now() + durationMs;
    const workers = Array.from({ length: inFlight }, async (_, worker) => {
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
    for (const stub of this.#stubs) stub.close();
  }

  #read(turn: number): Promise<number> {
    const startMs = performance.now();
    const stub = this.#stubs[turn % this.#stubs.length];
    const name = this.#names[turn % this.#names.length] ?? "";
    const request = { name, options: undefined, field: "", maxStaleness: undefined };
    return new Promise((resolve, reject) => {
      stub?.readSecret(request, (error) => {
        if (error === null) resolve(performance.now() - startMs);
        else reject(error);
      });
    });
  }
}
