import { benchSecrets } from "./bench-secrets.ts";
import { ReadLoad } from "./read-load.ts";
import type { BenchReport } from "./report.ts";
import { median } from "./statistics.ts";
import { pinBench, startSubject, type SubjectProcess } from "./subject-process.ts";

/** How long each subject is loaded in each round, and how many calls make it warm before the first one. */
const loadMs = 2_000;
const warmUpCalls = 40_000;

interface Sample {
  readonly callsPerCpuSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface Contender {
  readonly name: string;
  readonly subject: SubjectProcess;
  readonly load: ReadLoad;
  readonly samples: Sample[];
}

/** Full `ReadSecret` through the broker against the same answers from grpc-js alone, turn by turn. */
export async function read(rounds: number): Promise<BenchReport> {
  pinBench();
  const names = benchSecrets(10).map(({ name }) => name);
  const contenders = [
    await contender("bare grpc-js", names, ["bare-server.ts"]),
    await contender("broker, 10 keys", names, ["broker-server.ts", "10"]),
    await contender("broker, 10,000 keys", names, ["broker-server.ts", "10000"]),
  ];
  for (const { load } of contenders) await load.warmUp(warmUpCalls);
  for (let round = 0; round < rounds; round += 1) {
    for (const each of contenders) each.samples.push(await sample(each));
  }
  for (const { load, subject } of contenders) {
    load.close();
    subject.stop();
  }
  return { bench: "read", ratios: ratiosOf(contenders), rows: contenders.map(rowOf), rounds };
}

async function contender(
  name: string,
  names: readonly string[],
  [file, ...args]: readonly [string, ...string[]],
): Promise<Contender> {
  const subject = await startSubject(file, args);
  return { name, subject, load: new ReadLoad(subject.address, names), samples: [] };
}

async function sample({ subject, load }: Contender): Promise<Sample> {
  const before = await subject.cpuMicros();
  const { calls, p50Ms, p99Ms } = await load.run(loadMs);
  const cpuSeconds = ((await subject.cpuMicros()) - before) / 1e6;
  return { callsPerCpuSecond: calls / cpuSeconds, p50Ms, p99Ms };
}

/** Each round's ratio is taken within the round, as what else the machine does changes between rounds. */
function ratiosOf([bare, few, many]: readonly Contender[]): Record<string, number> {
  return {
    callsPerCpuSecond: ratio(few, bare, "callsPerCpuSecond"),
    callsPerCpuSecondManyKeys: ratio(many, bare, "callsPerCpuSecond"),
    manyKeysToFew: ratio(many, few, "callsPerCpuSecond"),
    p50Latency: ratio(few, bare, "p50Ms"),
    p99Latency: ratio(few, bare, "p99Ms"),
  };
}

function ratio(a: Contender | undefined, b: Contender | undefined, figure: keyof Sample): number {
  const ratios = (a?.samples ?? []).map(
    (sampled, round) => sampled[figure] / (b?.samples[round]?.[figure] ?? Number.NaN),
  );
  return Number(median(ratios).toFixed(3));
}

function rowOf({ name, samples }: Contender): Record<string, string | number> {
  const middle = (figure: keyof Sample): number => median(samples.map((sampled) => sampled[figure]));
  return {
    subject: name,
    "calls per CPU second": Math.round(middle("callsPerCpuSecond")),
    "p50 ms": Number(middle("p50Ms").toFixed(2)),
    "p99 ms": Number(middle("p99Ms").toFixed(2)),
  };
}
