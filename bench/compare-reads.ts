import { benchSecrets } from "./bench-secrets.ts";
import { type LoadIdentity, type LoadResult, ReadLoad } from "./read-load.ts";
import { median } from "./statistics.ts";
import { pinBench, type SubjectProcess } from "./subject-process.ts";

/**
 * How long each subject is loaded in each round: in short turns, so that what else the machine does meets all alike.
 */
const turnsARound = 10;
const turnMs = 200;

/** How many calls make a subject warm before the first round. */
const warmUpCalls = 40_000;

/** What a subject did in one round. */
export interface Sample {
  readonly callsPerCpuSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** One of those that are compared. */
export interface Contender {
  readonly name: string;
  readonly start: () => Promise<SubjectProcess>;
  /** How the load proves who it is; plaintext and nobody when it is left out. */
  readonly identity?: LoadIdentity;
  readonly samples: Sample[];
}

/** A contender's process in one round. */
interface Runner {
  readonly subject: SubjectProcess;
  readonly load: ReadLoad;
  readonly turns: Turn[];
}

const names = benchSecrets(10).map(({ name }) => name);

/**
 * Lets subjects answer reads in turns. Every round starts them anew: how V8 happens to optimise a process differs by
 * more than what is measured.
 */
export async function compareReads(contenders: readonly Contender[], rounds: number): Promise<void> {
  pinBench();
  for (let done = 0; done < rounds; done += 1) await round(contenders);
}

/** One round: the subjects start, get warm and take turns. */
async function round(contenders: readonly Contender[]): Promise<void> {
  const runners: Runner[] = [];
  for (const { start, identity } of contenders) {
    const subject = await start();
    const load = new ReadLoad(subject.address, names, identity);
    await load.warmUp(warmUpCalls);
    runners.push({ subject, load, turns: [] });
  }
  for (let turn = 0; turn < turnsARound; turn += 1) {
    for (const runner of runners) await takeTurn(runner);
  }
  for (const [index, { load, subject, turns }] of runners.entries()) {
    contenders[index]?.samples.push(sampleOf(turns));
    load.close();
    subject.stop();
  }
}

async function takeTurn({ subject, load, turns }: Runner): Promise<void> {
  const before = await subject.cpuMicros();
  const result = await load.run(turnMs);
  turns.push({ ...result, cpuMicros: (await subject.cpuMicros()) - before });
}

interface Turn extends LoadResult {
  readonly cpuMicros: number;
}

function sampleOf(turns: readonly Turn[]): Sample {
  const sum = (figure: "calls" | "cpuMicros"): number => turns.reduce((total, turn) => total + turn[figure], 0);
  return {
    callsPerCpuSecond: (sum("calls") / sum("cpuMicros")) * 1e6,
    p50Ms: median(turns.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(turns.map(({ p99Ms }) => p99Ms)),
  };
}

/** The median of one figure's ratio; each is taken within its round, as what else the machine does changes in between. */
export function ratio(a: Contender | undefined, b: Contender | undefined, figure: keyof Sample): number {
  const ratios = (a?.samples ?? []).map(
    (sampled, round) => sampled[figure] / (b?.samples[round]?.[figure] ?? Number.NaN),
  );
  return Number(median(ratios).toFixed(3));
}

/** A contender's row of the table. */
export function rowOf({ name, samples }: Contender): Record<string, string | number> {
  const middle = (figure: keyof Sample): number => median(samples.map((sampled) => sampled[figure]));
  return {
    subject: name,
    "calls per CPU second": Math.round(middle("callsPerCpuSecond")),
    "p50 ms": Number(middle("p50Ms").toFixed(2)),
    "p99 ms": Number(middle("p99Ms").toFixed(2)),
  };
}
