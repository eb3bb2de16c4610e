import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { plotLines } from "./plot.ts";
import type { BenchReport } from "./report.ts";
import type { WriteRates } from "./store-writes.ts";

/** How much longer than it does a disk takes to have written, in milliseconds. */
const delaysMs = [0, 0.5, 1, 2, 5];
const writesATurn = 300;
const subject = fileURLToPath(new URL("./subjects/disk-writes.ts", import.meta.url));
const slowSync = fileURLToPath(new URL("./subjects/slow-sync.c", import.meta.url));
const picture = fileURLToPath(new URL("../docs/disk.svg", import.meta.url));

/** Durable writes on one disk. */
interface OnDisk extends Pick<WriteRates, "ratios"> {
  /** How long a bare insert takes, which is little more than its one synchronisation. */
  readonly bareMs: number;
}

/**
 * Durable writes against bare inserts by how long a disk takes to have written: this one, and slower ones. Those are
 * this one with a wait after each synchronisation, by a library that goes before libc, so it needs Linux and a C
 * compiler. Draws `docs/disk.svg`.
 */
export async function disk(rounds: number): Promise<BenchReport> {
  const disks = measureAll(rounds);
  writeFileSync(picture, await draw(disks));
  const ratios = Object.fromEntries(
    disks.flatMap(({ ratios: { writesOfOneWriter, writesOfManyWriters } }, index) => [
      [`oneWriter+${String(delaysMs[index])}ms`, writesOfOneWriter],
      [`manyWriters+${String(delaysMs[index])}ms`, writesOfManyWriters],
    ]),
  );
  const rows = disks.map(({ bareMs, ratios: each }) => ({
    subject: `a bare insert in ${bareMs.toFixed(2)} ms`,
    ...each,
  }));
  return { bench: "disk", ratios, rows, rounds };
}

function measureAll(rounds: number): readonly OnDisk[] {
  const directory = mkdtempSync(join(tmpdir(), "secret-broker-disk-"));
  try {
    const library = join(directory, "slow-sync.so");
    execFileSync("cc", ["-shared", "-fPIC", "-O2", "-o", library, slowSync, "-ldl"]);
    return delaysMs.map((delayMs) => measure(library, delayMs, rounds));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function measure(library: string, delayMs: number, rounds: number): OnDisk {
  const output = execFileSync(process.execPath, [subject, String(rounds), String(writesATurn)], {
    encoding: "utf8",
    env: { ...process.env, LD_PRELOAD: library, SLOW_SYNC_US: String(delayMs * 1_000) },
  });
  const { rows, ratios } = JSON.parse(output) as WriteRates;
  return { bareMs: 1_000 / (rows[0]?.["per second"] ?? Number.NaN), ratios };
}

function draw(disks: readonly OnDisk[]): Promise<string> {
  const pick = (name: string, of: (ratios: OnDisk["ratios"]) => number): Parameters<typeof plotLines>[2][number] => ({
    name,
    points: disks.map(({ bareMs, ratios }) => [bareMs, of(ratios)]),
  });
  return plotLines("Durable writes, in bare inserts", "a bare insert, ms", [
    pick("64 writers", ({ writesOfManyWriters }) => writesOfManyWriters),
    pick("64 writers, at best", ({ floorOfManyWriters }) => floorOfManyWriters),
    pick("one writer", ({ writesOfOneWriter }) => writesOfOneWriter),
    pick("one writer, at best", ({ floorOfOneWriter }) => floorOfOneWriter),
  ]);
}
