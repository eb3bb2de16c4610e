import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";

const dist = new URL("../../../dist/", import.meta.url);

/** What to load in the child process. */
export interface LoadCase {
  /** file name → content, in a folder of the case's own */
  readonly files: Readonly<Record<string, string>>;
  readonly classPath?: string;
}

/** What came of a case. */
export interface LoadOutcome {
  readonly directory: string;
  /** What the loaded manager reads as `NAME`. */
  readonly value?: unknown;
  readonly reason?: string;
  readonly message?: string;
  readonly cause?: string;
  readonly notes: readonly string[];
}

/** What came of all cases, and what the child wrote to stderr. */
export interface ChildOutcome {
  readonly outcomes: readonly LoadOutcome[];
  readonly stderr: string;
}

const script = `
  const { registerDoors } = await import(${JSON.stringify(new URL("managers/module/register-doors.js", dist).href)});
  const { loadManagerModule } = await import(${JSON.stringify(new URL("managers/module/load-manager-module.js", dist).href)});
  const contract = new URL(${JSON.stringify(new URL("contract/index.js", dist).href)});
  registerDoors(new Map());
  registerDoors(new Map([["secret-broker/contract", contract]]));
  const outcomes = [];
  for (const { classPath, directory } of JSON.parse(process.argv[1])) {
    const notes = [];
    const outcome = { directory, notes };
    outcomes.push(outcome);
    try {
      const manager = await loadManagerModule(classPath, directory, (note) => notes.push(note));
      outcome.value = await manager.readSecret("NAME", {});
    } catch (thrown) {
      outcome.reason = thrown.reason;
      outcome.message = thrown.message;
      outcome.cause = thrown.cause === undefined ? undefined : String(thrown.cause);
    }
  }
  console.log(JSON.stringify(outcomes));
`;

/** Loads every case with the built loader in one process of its own, as Node runs it for a user. */
export function loadInChild(cases: readonly LoadCase[]): ChildOutcome {
  const parent = mkdtempSync(join(tmpdir(), "load-manager-module-"));
  try {
    const asked = cases.map(({ files, classPath = "my_secret_manager.Mine" }, index) => {
      const directory = join(parent, String(index));
      for (const [name, content] of Object.entries(files)) writeTo(join(directory, name), content);
      return { classPath, directory };
    });
    const child = spawnSync(process.execPath, ["--input-type=module", "-e", script, JSON.stringify(asked)], {
      cwd: parent,
      encoding: "utf8",
      env: { PATH: process.env["PATH"] },
    });
    if (child.status !== 0) throw new Error(`the child failed: ${child.stderr}`);
    return { outcomes: parseOutcomes(child.stdout), stderr: child.stderr };
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

function parseOutcomes(text: string): readonly LoadOutcome[] {
  const outcomes: unknown = JSON.parse(text);
  if (!Array.isArray(outcomes) || !outcomes.every(isOutcome)) throw new Error("the child answered something else");
  return outcomes;
}

function isOutcome(value: unknown): value is LoadOutcome {
  return typeof value === "object" && value !== null && "directory" in value && "notes" in value;
}

function writeTo(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
