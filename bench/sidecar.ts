import { benchSecrets } from "./bench-secrets.ts";
import { startBrokerSubject } from "./broker-subject.ts";
import { compareReads, type Contender, ratio, rowOf } from "./compare-reads.ts";
import { ReadLoad } from "./read-load.ts";
import type { BenchReport } from "./report.ts";
import { restingSidecar, type RestingMemory } from "./resting-sidecar.ts";
import { median } from "./statistics.ts";
import { startSubject, type SubjectProcess } from "./subject-process.ts";

const names = benchSecrets(10).map(({ name }) => name);

/** How long one path is asked in a turn, one read after the other, and how often in a round. */
const turnMs = 200;
const turnsARound = 5;
/** As many as V8 needs until a read that goes on to the central broker costs no less. */
const warmUpCalls = 20_000;

/** What Node.js has unless it is told otherwise, as a sidecar is. */
const defaultMegabytes = 16;

/** The ways to a secret, and how long each took in each round. */
type Paths = Readonly<Record<"central" | "relayed" | "uncached" | "cached", number[]>>;

/**
 * What a sidecar adds to a read, what cached reads cost it against grpc-js alone, and what it takes at rest. The floor is
 * what a relay adds that is nothing but grpc-js.
 */
export async function sidecar(rounds: number): Promise<BenchReport> {
  const p50Ms: Paths = { central: [], relayed: [], uncached: [], cached: [] };
  const resting: RestingMemory[] = [];
  for (let round = 0; round < rounds; round += 1) resting.push(await oneByOne(p50Ms));
  const centrals: SubjectProcess[] = [];
  const startCached = async (): Promise<SubjectProcess> => {
    const central = await startBrokerSubject(names.length);
    centrals.push(central);
    return await startSidecar(central, "1h");
  };
  const contenders: readonly [Contender, Contender] = [
    { name: "bare grpc-js", start: () => startSubject("bare-server.ts"), samples: [] },
    { name: "sidecar, cached", start: startCached, samples: [] },
  ];
  await compareReads(contenders, rounds);
  for (const central of centrals) central.stop();
  const [bare, cached] = contenders;
  const ratios = {
    addedP50MsUncached: added(p50Ms.uncached, p50Ms.central),
    floorOfAddedP50MsUncached: added(p50Ms.relayed, p50Ms.central),
    addedP50MsCached: added(p50Ms.cached, p50Ms.central),
    cachedCallsPerCpuSecond: ratio(cached, bare, "callsPerCpuSecond"),
    restingMegabytes: megabytes(resting.map(({ atStart }) => atStart)),
    restingMegabytesAfterReads: megabytes(resting.map(({ afterReads }) => afterReads)),
  };
  const paths = Object.entries(p50Ms).map(([name, each]) => ({
    subject: `one by one, ${name}`,
    "p50 ms": Number(median(each).toFixed(3)),
  }));
  return { bench: "sidecar", ratios, rows: [...paths, ...contenders.map(rowOf)], rounds };
}

/** One round: the ways take turns. @returns what a sidecar takes that is left alone */
async function oneByOne(p50Ms: Paths): Promise<RestingMemory> {
  const central = await startBrokerSubject(names.length);
  const resting = await restingSidecar(central.address, names);
  const relayed = await startSubject("bare-relay.ts", [central.address], defaultMegabytes);
  const uncached = await startSidecar(central, "0s", defaultMegabytes);
  const cached = await startSidecar(central, "1h", defaultMegabytes);
  const loads = { central, relayed, uncached, cached };
  const ways = Object.entries(loads).map(([name, { address }]) => ({
    load: new ReadLoad(address, names),
    all: p50Ms[name as keyof Paths],
    turns: [] as number[],
  }));
  for (const { load } of ways) await load.warmUp(warmUpCalls);
  for (let turn = 0; turn < turnsARound; turn += 1) {
    for (const { load, turns } of ways) turns.push((await load.run(turnMs, 1)).p50Ms);
  }
  for (const { load, all, turns } of ways) {
    all.push(median(turns));
    load.close();
  }
  for (const subject of [cached, uncached, relayed, central]) subject.stop();
  return resting;
}

async function startSidecar(
  { address }: SubjectProcess,
  ttl: string,
  semiSpaceMegabytes?: number,
): Promise<SubjectProcess> {
  return await startSubject("sidecar-server.ts", [address, ttl], semiSpaceMegabytes);
}

/** The median of what one way took longer than the other in the same round. */
function added(way: readonly number[], than: readonly number[]): number {
  return Number(median(way.map((each, round) => each - (than[round] ?? Number.NaN))).toFixed(3));
}

function megabytes(bytes: readonly number[]): number {
  return Math.round(median(bytes) / 1e6);
}
