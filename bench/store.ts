import { startBrokerSubject } from "./broker-subject.ts";
import { compareReads, type Contender, ratio, rowOf } from "./compare-reads.ts";
import type { BenchReport } from "./report.ts";
import { measureWrites } from "./store-writes.ts";

const writesATurn = 300;

/**
 * The store in a file: durable writes against bare inserts with the same durability, in this process, and reads through
 * the broker against those of the memory manager.
 */
export async function store(rounds: number): Promise<BenchReport> {
  const writes = await measureWrites(rounds, writesATurn);
  const readers: readonly [Contender, Contender] = [
    { name: "reads: memory", start: () => startBrokerSubject(10), samples: [] },
    { name: "reads: sqlite", start: () => startBrokerSubject(10, "sqlite"), samples: [] },
  ];
  await compareReads(readers, rounds);
  const ratios = { ...writes.ratios, cachedReads: ratio(readers[1], readers[0], "callsPerCpuSecond") };
  return { bench: "store", ratios, rows: [...writes.rows, ...readers.map(rowOf)], rounds };
}
