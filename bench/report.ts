import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";

/** What a bench found out. */
export interface BenchReport {
  readonly bench: string;
  /** Ratio name → median over the rounds. */
  readonly ratios: Readonly<Record<string, number>>;
  /** One row for each subject. */
  readonly rows: readonly Readonly<Record<string, string | number>>[];
  readonly rounds: number;
}

/** Prints the table and the closing line of JSON; keeps a copy with machine and date when asked to. */
export function printReport(report: BenchReport, isKept: boolean): void {
  console.table(report.rows);
  if (isKept) keep(report);
  console.log(JSON.stringify({ bench: report.bench, ratios: report.ratios }));
}

function keep(report: BenchReport): void {
  const machine = { cpu: cpus()[0]?.model.trim() ?? "unknown", cores: cpus().length, node: process.version };
  const date = new Date().toISOString().slice(0, 10);
  const directory = new URL("./results/", import.meta.url);
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    new URL(`${report.bench}.json`, directory),
    `${JSON.stringify({ date, machine, ...report }, null, 2)}\n`,
  );
}
