import { SecretBrokerClient } from "secret-broker";
import { benchSecrets } from "./bench-secrets.ts";
import { startBrokerSubject } from "./broker-subject.ts";
import type { BenchReport } from "./report.ts";
import { median, percentile } from "./statistics.ts";
import { pinBench, startSubject, type SubjectProcess } from "./subject-process.ts";
import { WatchLoad } from "./watch-load.ts";

/** How many streams watch when a change is timed. */
const few = 1_000;
const many = 5_000;

/**
 * How many streams and changes make a subject warm before its memory is taken for that of none: enough for the room of
 * young objects to have grown to its size, which no stream holds.
 */
const warmUpStreams = 200;
const warmUpChanges = 100;

/** What a subject did with one number of streams. */
interface Fan {
  readonly subject: string;
  readonly streams: number;
  readonly p50Ms: number[];
  readonly lastMs: number[];
}

/** A subject with its streams. */
interface Watched {
  readonly name: string;
  readonly fans: readonly [Fan, Fan];
  residentKbAStream: number;
}

const [secret = { name: "", value: "" }] = benchSecrets(1);

/** How long one change takes to reach every stream that watches it, and what memory a stream holds that waits. */
export async function watch(rounds: number): Promise<BenchReport> {
  pinBench();
  const bare = await measure("bare grpc-js", await startSubject("bare-watch-server.ts"), rounds);
  const broker = await measure("broker", await startBrokerSubject(1, "sqlite"), rounds);
  const [ofFew, ofMany] = broker.fans;
  const ratios = {
    fewReachedMs: rounded(median(ofFew.lastMs)),
    manyReachedMs: rounded(median(ofMany.lastMs)),
    manyReachedToBare: rounded(median(ofMany.lastMs) / median(bare.fans[1].lastMs)),
    residentKbAStream: rounded(broker.residentKbAStream),
    residentToBare: rounded(broker.residentKbAStream / bare.residentKbAStream),
  };
  return { bench: "watch", ratios, rows: [bare, broker].flatMap(rowsOf), rounds };
}

/** With more and more streams, as a subject that had them before would keep some of their memory. */
async function measure(name: string, subject: SubjectProcess, rounds: number): Promise<Watched> {
  const client = new SecretBrokerClient(subject.address);
  await warmUp(subject, client);
  const residentBytes = await subject.residentBytes();
  const load = new WatchLoad(subject.address, secret.name);
  const fan = async (streams: number, more: number): Promise<Fan> => {
    await load.open(more);
    const timed: Fan = { subject: name, streams, p50Ms: [], lastMs: [] };
    for (let round = 0; round < rounds; round += 1) await timeChange(client, load, timed);
    return timed;
  };
  const fans = [await fan(few, few), await fan(many, many - few)] as const;
  const residentKbAStream = ((await subject.residentBytes()) - residentBytes) / many / 1_000;
  load.close();
  client.close();
  subject.stop();
  return { name, fans, residentKbAStream };
}

async function warmUp(subject: SubjectProcess, client: SecretBrokerClient): Promise<void> {
  const load = new WatchLoad(subject.address, secret.name);
  await load.open(warmUpStreams);
  for (let change = 0; change < warmUpChanges; change += 1) {
    const told = load.nextChange();
    await client.writeSecret({ name: secret.name, payload: secret.value });
    await told;
  }
  load.close();
}

/** From before the change is asked for until the last stream has been told of it. */
async function timeChange(client: SecretBrokerClient, load: WatchLoad, { p50Ms, lastMs }: Fan): Promise<void> {
  const told = load.nextChange();
  const startMs = performance.now();
  await client.writeSecret({ name: secret.name, payload: secret.value });
  const timesMs = (await told).map((timeMs) => timeMs - startMs);
  p50Ms.push(percentile(timesMs, 0.5));
  lastMs.push(percentile(timesMs, 1));
}

function rowsOf({ fans, residentKbAStream }: Watched): readonly Record<string, string | number>[] {
  return fans.map(({ subject, streams, p50Ms, lastMs }) => ({
    subject,
    streams,
    "half told after ms": rounded(median(p50Ms)),
    "all told after ms": rounded(median(lastMs)),
    "longest ms": rounded(percentile(lastMs, 1)),
    ...(streams === many && { "resident kB a stream": rounded(residentKbAStream) }),
  }));
}

function rounded(value: number): number {
  return Number(value.toFixed(2));
}
