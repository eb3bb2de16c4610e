import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { plotLines } from "./plot.ts";
import type { BenchReport } from "./report.ts";
import { median } from "./statistics.ts";

const counts = [1_000, 10_000, 100_000, 1_000_000];
/** How often each size is measured; the median counts. */
const turns = 3;
const subject = fileURLToPath(new URL("./subjects/scale-subject.ts", import.meta.url));
const picture = fileURLToPath(new URL("../docs/scale.svg", import.meta.url));

/** What a store of one size costs. */
interface Cost {
  readonly count: number;
  readonly startMs: number;
  readonly rssMb: number;
  readonly readP50Us: number;
  readonly readP99Us: number;
  /** What the reads had to fetch from the disk, as the system did not have it in memory. */
  readonly diskMb: number;
  readonly pageFirstMs: number;
  readonly pageMiddleMs: number;
  readonly pageLastMs: number;
}

/**
 * The store in a file from a thousand to a million secrets, each in a process of its own: its start, its memory, reads
 * that go to the database, and pages of a thousand names at the beginning, in the middle and at the end. Draws
 * `docs/scale.svg`.
 */
export async function scale(): Promise<BenchReport> {
  const directory = mkdtempSync(join(tmpdir(), "secret-broker-scale-"));
  const pathOf = (count: number): string => join(directory, `${String(count)}.db`);
  for (const count of counts) run(pathOf(count), count, "fill");
  // In turns, so that whatever else the machine does is the same for all.
  const measured = Array.from({ length: turns }, () =>
    counts.map((count) => JSON.parse(run(pathOf(count), count, "measure")) as Cost),
  );
  const costs = counts.map((_, index) =>
    middleOf(measured.map((turn) => turn[index]).filter((cost) => cost !== undefined)),
  );
  rmSync(directory, { recursive: true });
  writeFileSync(picture, await draw(costs));
  const [small, large] = [costs[0], costs.at(-1)];
  const ratios = {
    readP99OfAMillion: ratioOf(large?.readP99Us, small?.readP99Us),
    lastPageOfAMillion: ratioOf(large?.pageLastMs, large?.pageFirstMs),
    firstPageOfAMillion: ratioOf(large?.pageFirstMs, small?.pageFirstMs),
  };
  return { bench: "scale", ratios, rows: costs.map(rounded), rounds: turns };
}

/** The median of each figure. */
function middleOf(costs: readonly Cost[]): Cost {
  const [first] = costs;
  if (first === undefined) throw new TypeError("nothing was measured");
  const figures = Object.keys(first) as (keyof Cost)[];
  return Object.fromEntries(
    figures.map((figure) => [figure, median(costs.map((cost) => cost[figure]))]),
  ) as unknown as Cost;
}

function run(path: string, count: number, task: string): string {
  return execFileSync(process.execPath, [subject, path, String(count), task], { encoding: "utf8" });
}

function draw(costs: readonly Cost[]): Promise<string> {
  const pick = (name: string, of: (cost: Cost) => number): { name: string; points: [number, number][] } => ({
    name,
    points: costs.map((cost) => [cost.count, of(cost)]),
  });
  return plotLines("What a store costs by its size", "secrets", [
    pick("start, ms", ({ startMs }) => startMs),
    pick("resident memory, MiB", ({ rssMb }) => rssMb),
    pick("read, 99th percentile, µs", ({ readP99Us }) => readP99Us),
    pick("read, median, µs", ({ readP50Us }) => readP50Us),
    pick("first page of 1,000 names, ms", ({ pageFirstMs }) => pageFirstMs),
    pick("last page of 1,000 names, ms", ({ pageLastMs }) => pageLastMs),
  ]);
}

function rounded(cost: Cost): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(cost).map(([name, value]) => [name, Number((value as number).toFixed(1))]));
}

function ratioOf(a = Number.NaN, b = Number.NaN): number {
  return Number((a / b).toFixed(3));
}
