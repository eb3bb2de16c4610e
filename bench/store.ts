import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { PayloadCipher } from "#built/encryption/payload-cipher.js";
import { createTextKeys } from "#built/encryption/text-keys.js";
import { SqliteDatabase } from "#built/managers/sqlite/sqlite-database.js";
import { openStore } from "#built/store/open-store.js";
import type { SecretStore } from "#built/store/secret-store.js";
import { SteadyClock } from "#built/store/steady-clock.js";
import { startBrokerSubject } from "./broker-subject.ts";
import { compareReads, type Contender, ratio, rowOf } from "./compare-reads.ts";
import type { BenchReport } from "./report.ts";
import { median } from "./statistics.ts";

const writesATurn = 300;
const writers = 64;
const value = "v".repeat(200);

/** One way to write, in writes a second for each round. */
interface Way {
  readonly name: string;
  readonly write: (turn: number) => Promise<void>;
  readonly rates: number[];
}

/**
 * The store in a file: durable writes against bare inserts with the same durability, in this process, and reads through
 * the broker against those of the memory manager.
 */
export async function store(rounds: number): Promise<BenchReport> {
  const [bare, one, many] = await measureWrites(rounds);
  const readers: readonly [Contender, Contender] = [
    { name: "reads: memory", start: () => startBrokerSubject(10), samples: [] },
    { name: "reads: sqlite", start: () => startBrokerSubject(10, "sqlite"), samples: [] },
  ];
  await compareReads(readers, rounds);
  const ratios = {
    writesOfOneWriter: rateRatio(one, bare),
    writesOfManyWriters: rateRatio(many, bare),
    cachedReads: ratio(readers[1], readers[0], "callsPerCpuSecond"),
  };
  const writes = [bare, one, many].map(({ name, rates }) => ({
    subject: name,
    "per second": Math.round(median(rates)),
  }));
  return { bench: "store", ratios, rows: [...writes, ...readers.map(rowOf)], rounds };
}

async function measureWrites(rounds: number): Promise<readonly [Way, Way, Way]> {
  const directory = mkdtempSync(join(tmpdir(), "secret-broker-bench-"));
  const bare = openBare(join(directory, "bare.db"));
  const opened = await openStore(new SqliteDatabase(join(directory, "secrets.db")), {
    managerName: "sqlite",
    openCipher: () => new PayloadCipher(createTextKeys("42".repeat(32), "the bench")),
    clock: new SteadyClock(),
    cacheBytes: 1_000_000,
    onNote: () => undefined,
  });
  const ways: readonly [Way, Way, Way] = [
    {
      name: "writes: bare inserts",
      write: (turn) => {
        bare.insert(turn);
        return Promise.resolve();
      },
      rates: [],
    },
    { name: "writes: store, 1 writer", write: (turn) => write(opened, turn, 1), rates: [] },
    { name: "writes: store, 64 writers", write: (turn) => write(opened, turn, writers), rates: [] },
  ];
  for (let turn = 0; turn <= rounds; turn += 1) {
    for (const { write: writeAll, rates } of ways) {
      const startMs = performance.now();
      await writeAll(turn);
      const count = writeAll === ways[2].write ? writesATurn * writers : writesATurn;
      // The first turn makes warm.
      if (turn > 0) rates.push((count * 1_000) / (performance.now() - startMs));
    }
  }
  await opened.close();
  bare.close();
  rmSync(directory, { recursive: true });
  return ways;
}

/** What a row of the store is at least: a name and as many bytes. */
function openBare(path: string): { insert: (turn: number) => void; close: () => void } {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec("CREATE TABLE secrets (id INTEGER PRIMARY KEY, name TEXT, value BLOB)");
  const insert = database.prepare("INSERT INTO secrets (name, value) VALUES (?, ?)");
  return {
    insert: (turn) => {
      for (let done = 0; done < writesATurn; done += 1)
        insert.run(`KEY_${String(turn)}_${String(done)}`, Buffer.from(value));
    },
    close: () => {
      database.close();
    },
  };
}

/** So many clients, each writing one secret after the other. */
async function write(opened: SecretStore, turn: number, clients: number): Promise<void> {
  const call = {
    options: {},
    signal: new AbortController().signal,
    deadline: new Date(Date.now() + 60_000),
    requestId: "bench",
  };
  const names = Array.from({ length: clients }, (_, client) => `${String(clients)}/${String(turn)}/${String(client)}`);
  await Promise.all(
    names.map(async (name) => {
      for (let done = 0; done < writesATurn; done += 1) {
        await opened.writeSecret(`${name}/${String(done)}`, value, {}, call);
      }
    }),
  );
}

function rateRatio(a: Way, b: Way): number {
  const ratios = a.rates.map((rate, round) => rate / (b.rates[round] ?? Number.NaN));
  return Number(median(ratios).toFixed(3));
}
