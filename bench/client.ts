import { openSecretStore, SecretBrokerClient, type SecretStore } from "secret-broker";
import { benchSecrets } from "./bench-secrets.ts";
import { startBrokerSubject } from "./broker-subject.ts";
import type { BenchReport } from "./report.ts";
import { median } from "./statistics.ts";
import { pinBench } from "./subject-process.ts";

/** How often each way to read is taken in each round. */
const getRuns = 1_000;
const getsARun = 1_000;
const reads = 300;
const batches = 30;
const warmUpReads = 2_000;
const warmUpBatches = 300;
const batchSize = 100;

/** What one way to read costs in each round, in microseconds. */
interface Way {
  readonly name: string;
  readonly measure: () => Promise<number>;
  readonly micros: number[];
}

/** What a value costs a client: from its store, from the broker, while the thread waits, and in a batch. */
export async function client(rounds: number): Promise<BenchReport> {
  pinBench();
  const subject = await startBrokerSubject(batchSize);
  const broker = new SecretBrokerClient(subject.address);
  const names = benchSecrets(batchSize).map(({ name }) => name);
  const store = await openSecretStore({ address: subject.address, secrets: names });
  const [first = ""] = names;
  const way = (name: string, measure: Way["measure"]): Way => ({ name, measure, micros: [] });
  const ways = {
    get: way("get from the store, p50", () => Promise.resolve(timeGets(store, names))),
    read: way("read by RPC, p50", () => timeEach(reads, () => broker.readSecret({ name: first }))),
    sync: way("synchronous read, p50", () =>
      timeEach(reads, () => Promise.resolve(broker.readSecretSync({ name: first }))),
    ),
    batch: way(`batch of ${String(batchSize)}, p50`, () =>
      timeEach(batches, () => broker.batchReadSecrets({ reads: names.map((name) => ({ name })) })),
    ),
  };
  await timeEach(warmUpReads, () => broker.readSecret({ name: first }));
  await timeEach(warmUpReads, () => Promise.resolve(broker.readSecretSync({ name: first })));
  await timeEach(warmUpBatches, () => broker.batchReadSecrets({ reads: names.map((name) => ({ name })) }));
  for (let done = 0; done < rounds; done += 1) {
    for (const { measure, micros } of Object.values(ways)) micros.push(await measure());
  }
  store.close();
  broker.close();
  subject.stop();
  const ratios = {
    getMicros: Number(median(ways.get.micros).toFixed(3)),
    rpcToGet: ratio(ways.read, ways.get),
    syncToAsync: ratio(ways.sync, ways.read),
    batchToSingle: ratio(ways.batch, ways.read),
  };
  return { bench: "client", ratios, rows: Object.values(ways).map(rowOf), rounds };
}

/** In short runs, of which the median is taken: what else the machine does meets only some of them. */
function timeGets(store: SecretStore, names: readonly string[]): number {
  const micros: number[] = [];
  let length = 0;
  for (let run = 0; run < getRuns; run += 1) {
    const startMs = performance.now();
    for (let done = 0; done < getsARun; done += 1) length += store.get(names[done % names.length] ?? "").length;
    micros.push(((performance.now() - startMs) * 1_000) / getsARun);
  }
  if (length === 0) throw new Error("a get of the bench gave nothing");
  return median(micros);
}

/** The median of some calls one after the other. */
async function timeEach(count: number, call: () => Promise<unknown>): Promise<number> {
  const micros: number[] = [];
  for (let done = 0; done < count; done += 1) {
    const startMs = performance.now();
    await call();
    micros.push((performance.now() - startMs) * 1_000);
  }
  return median(micros);
}

/** The median of the ratios within each round. */
function ratio(a: Way, b: Way): number {
  return Number(median(a.micros.map((micros, round) => micros / (b.micros[round] ?? Number.NaN))).toFixed(3));
}

function rowOf({ name, micros }: Way): Record<string, string | number> {
  return { way: name, µs: Number(median(micros).toFixed(3)) };
}
