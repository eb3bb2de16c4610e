import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AuditKey, type AuditVerifier, createAuditVerifierOf } from "../../src/audit/audit-key.js";
import type { ChainEnd } from "../../src/audit/chain-link.js";
import { findTrailFiles } from "../../src/audit/trail-files.js";
import { ChainVerifier } from "../../src/audit/verify-chain.js";
import { auditKey, newAuditKey, openChain } from "./open-chain.js";

/** How many tampers are tried. */
const tampers = 100_000;

const real = createAuditVerifierOf(auditKey);
// signed link → whether it is; most of a tampered trail is as it was
const known = new Map<string, boolean>();

/** The real one, which does not check the same signature a hundred thousand times. */
const verifier: AuditVerifier = {
  ...real,
  isSigned: (link) => {
    const key = `${link.kind} ${link.hash} ${link.signature}`;
    const isSigned = known.get(key) ?? real.isSigned(link);
    known.set(key, isSigned);
    return isSigned;
  },
};

/** The files of a trail, each as its lines without their ends. */
type Trail = readonly (readonly string[])[];

let folder = "";
let trail: Trail = [];
let otherTrail: Trail = [];
let end: ChainEnd | undefined;
/** Trails whose live file was deleted while the broker ran, each at another time. */
let bereft: readonly WrittenTrail[] = [];

interface WrittenTrail {
  readonly trail: Trail;
  readonly end: ChainEnd | undefined;
}

interface WriteOptions {
  readonly key?: AuditKey;
  /** Before which write the live file is deleted, and missed by the broker. */
  readonly deletedAt?: number;
}

const writes = 12;

async function writeTrail(name: string, { key = auditKey, deletedAt }: WriteOptions = {}): Promise<WrittenTrail> {
  const path = join(folder, name);
  const { sink } = await openChain(path, { rotateBytes: 1_500, key });
  for (let id = 0; id < writes; id += 1) {
    if (id === deletedAt) {
      await rm(path);
      await sink.tend();
    }
    const record = `{"time":"","request_id":"${String(id)}","principal":"billing","name":"providers/${String(id % 3)}"}\n`;
    await sink.write(Buffer.from(record.repeat(1 + (id % 3))));
    if (id % 4 === 2) await sink.tend();
  }
  await sink.close();
  const { own } = await findTrailFiles(path);
  const texts = await Promise.all(own.map((file) => readFile(file, "utf8")));
  return { trail: texts.map((text) => text.trimEnd().split("\n")), end: sink.position.end };
}

/** Whether a trail passes for what was written; looks no further than the first fault. */
function passes(changed: Trail, given: AuditVerifier = verifier, known = end): boolean {
  const following = new ChainVerifier(given, known);
  for (const [file, lines] of changed.entries()) {
    for (const [index, line] of lines.entries()) {
      following.take(Buffer.from(line, "latin1"), { file: String(file), line: index + 1 });
      if (following.isFaulty) return false;
    }
  }
  return following.finish().faults.length === 0;
}

/** Numbers that are the same for the same seed (mulberry32). */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number below the bound. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }
}

/** Gives the end that is known, where it is another than the trail's. */
type Tamper = (files: string[][], dice: Dice) => ChainEnd | undefined | void;

function lineOf(files: string[][], dice: Dice): [lines: string[], index: number] {
  const lines = files[dice.below(files.length)] ?? [];
  return [lines, dice.below(lines.length)];
}

function changeLine(files: string[][], dice: Dice, change: (line: string, at: number) => string): void {
  const [lines, index] = lineOf(files, dice);
  const line = lines[index] ?? "";
  lines[index] = change(line, dice.below(line.length));
}

const kinds: Readonly<Record<string, Tamper>> = {
  "a character changed": (files, dice) => {
    const other = String.fromCharCode(32 + dice.below(224));
    changeLine(files, dice, (line, at) => line.slice(0, at) + other + line.slice(at + 1));
  },
  "a bit flipped": (files, dice) => {
    const bit = 1 << dice.below(8);
    changeLine(files, dice, (line, at) => {
      const flipped = String.fromCharCode(line.charCodeAt(at) ^ bit);
      return line.slice(0, at) + flipped + line.slice(at + 1);
    });
  },
  "a character removed": (files, dice) => {
    changeLine(files, dice, (line, at) => line.slice(0, at) + line.slice(at + 1));
  },
  "characters added": (files, dice) => {
    changeLine(files, dice, (line, at) => `${line.slice(0, at)}x${line.slice(at)}`);
  },
  "a line removed": (files, dice) => {
    const [lines, index] = lineOf(files, dice);
    lines.splice(index, 1);
  },
  "a line repeated": (files, dice) => {
    const [lines, index] = lineOf(files, dice);
    lines.splice(dice.below(lines.length + 1), 0, lines[index] ?? "");
  },
  "a line moved": (files, dice) => {
    const [from, index] = lineOf(files, dice);
    const [line = ""] = from.splice(index, 1);
    const [to, place] = lineOf(files, dice);
    to.splice(place, 0, line);
  },
  "two lines swapped": (files, dice) => {
    const [[lines, index], [others, other]] = [lineOf(files, dice), lineOf(files, dice)];
    [lines[index], others[other]] = [others[other] ?? "", lines[index] ?? ""];
  },
  "the end cut off": (files, dice) => {
    files.at(-1)?.splice(-1 - dice.below(3));
  },
  "a file cut": (files, dice) => {
    const [lines, index] = lineOf(files, dice);
    lines.splice(Math.max(1, index));
  },
  "a file left out": (files, dice) => {
    // The oldest may be kept elsewhere; that is told, and no fault.
    files.splice(1 + dice.below(files.length - 1), 1);
  },
  "a file in the middle deleted": (files, dice) => {
    files.splice(1 + dice.below(files.length - 2), 1);
  },
  "the live file deleted while the broker runs": (files, dice) => {
    const { trail: left = [], end: known } = bereft[dice.below(bereft.length)] ?? {};
    // And what was put aside before, so that nothing but the broker tells of it.
    const isStart = (lines: readonly string[]): boolean => lines[0]?.includes('"lost":true') === true;
    const gone = dice.below(left.findIndex(isStart) + 1);
    files.splice(0, files.length, ...left.slice(gone).map((lines) => [...lines]));
    return known;
  },
  "files in another order": (files, dice) => {
    const [moved = []] = files.splice(dice.below(files.length), 1);
    files.splice(dice.below(files.length), 0, moved);
  },
  "a file of another trail in its place": (files, dice) => {
    const index = dice.below(files.length);
    files[index] = [...(otherTrail[index % otherTrail.length] ?? [])];
  },
  "a line of another trail in its place": (files, dice) => {
    const [lines, index] = lineOf(files, dice);
    const [others, other] = lineOf(
      otherTrail.map((file) => [...file]),
      dice,
    );
    lines[index] = others[other] ?? "";
  },
  "a record of one's own": (files, dice) => {
    const [lines, index] = lineOf(files, dice);
    lines.splice(index, 0, '{"time":"","request_id":"forged"}');
  },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-"));
  ({ trail, end } = await writeTrail("audit.jsonl"));
  otherTrail = (await writeTrail("other.jsonl", { key: newAuditKey() })).trail;
  bereft = await Promise.all(
    Array.from({ length: writes }, (_, deletedAt) => writeTrail(`bereft-${String(deletedAt)}.jsonl`, { deletedAt })),
  );
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe("an audit trail", () => {
  it("passes as it was written", () => {
    expect(trail.length).toBeGreaterThan(2);
    expect(passes(trail)).toBe(true);
  });

  it(`does not pass once it was tampered with, in ${tampers.toLocaleString("en")} ways`, { timeout: 600_000 }, () => {
    const seed = Date.now() % 2 ** 31;
    const dice = new Dice(seed);
    const original = JSON.stringify(trail);
    const names = Object.keys(kinds);
    const tried = new Map<string, number>();
    for (let count = 0; count < tampers;) {
      const name = names[dice.below(names.length)] ?? "";
      const files = trail.map((lines) => [...lines]);
      const known = kinds[name]?.(files, dice) ?? end;
      if (JSON.stringify(files) === original) continue;
      count += 1;
      tried.set(name, (tried.get(name) ?? 0) + 1);
      if (passes(files, verifier, known))
        expect.fail(`${name} was not found (seed ${String(seed)}, tamper ${String(count)})`);
    }
    expect(tried.size).toBe(names.length);
  });

  it("can be verified with the public key alone", () => {
    const { id, isSigned } = verifier;
    expect(passes(trail, { id, isSigned })).toBe(true);
    const [first = [], ...rest] = trail;
    expect(passes([first.map((line) => line.replace("billing", "someone")), ...rest], { id, isSigned })).toBe(false);
  });

  it("tells which line it is, and goes on to find the others", () => {
    const files = trail.map((lines) => lines.map((line) => line.replace('"request_id":"4"', '"request_id":"5"')));
    const following = new ChainVerifier(verifier, end);
    for (const [file, lines] of files.entries()) {
      for (const [index, line] of lines.entries()) {
        following.take(Buffer.from(line), { file: String(file), line: index + 1 });
      }
    }
    const { faults } = following.finish();
    expect(faults.map(({ message }) => message)).toEqual(["what stands here or before it was changed"]);
    const [{ file, line } = { file: "", line: 0 }] = faults;
    expect(files[Number(file)]?.[line - 1]).toContain('"request_id":"5"');
  });
});
