import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PayloadCipher } from "#built/encryption/payload-cipher.js";
import { createTextKeys } from "#built/encryption/text-keys.js";
import { SqliteDatabase } from "#built/managers/sqlite/sqlite-database.js";
import { openStore } from "#built/store/open-store.js";
import type { SecretStore } from "#built/store/secret-store.js";
import { SteadyClock } from "#built/store/steady-clock.js";
import { BareWrites } from "./bare-writes.ts";
import { median } from "./statistics.ts";

const writers = 64;
const value = "v".repeat(200);

/** What durable writes came to. */
export interface WriteRates {
  /** One way to write after the other, in writes a second. */
  readonly rows: readonly { readonly subject: string; readonly "per second": number }[];
  /** Of the store and of the least that can be, each to bare inserts. */
  readonly ratios: Readonly<
    Record<"writesOfOneWriter" | "writesOfManyWriters" | "floorOfOneWriter" | "floorOfManyWriters", number>
  >;
}

/** One way to write, in writes a second for each round. */
interface Way {
  readonly name: string;
  readonly clients: number;
  readonly write: (turn: number) => Promise<void> | void;
  readonly rates: number[];
}

/**
 * Durable writes into the store in a file against bare inserts with the same durability, in this process and in turns.
 * The floors are what SQLite and encryption take for the store's tables, with nothing else.
 * @param writesATurn of each client
 */
export async function measureWrites(rounds: number, writesATurn: number): Promise<WriteRates> {
  const [bare, sealedOne, one, sealedMany, many] = await takeTurns(rounds, writesATurn);
  const rows = [bare, sealedOne, one, sealedMany, many].map(({ name, rates }) => ({
    subject: name,
    "per second": Math.round(median(rates)),
  }));
  const ratios = {
    writesOfOneWriter: rateRatio(one, bare),
    writesOfManyWriters: rateRatio(many, bare),
    floorOfOneWriter: rateRatio(sealedOne, bare),
    floorOfManyWriters: rateRatio(sealedMany, bare),
  };
  return { rows, ratios };
}

async function takeTurns(rounds: number, writesATurn: number): Promise<readonly [Way, Way, Way, Way, Way]> {
  const directory = mkdtempSync(join(tmpdir(), "secret-broker-bench-"));
  const cipher = new PayloadCipher(createTextKeys("42".repeat(32), "the bench"));
  const bare = new BareWrites(directory, cipher);
  const opened = await openStore(new SqliteDatabase(join(directory, "secrets.db")), {
    managerName: "sqlite",
    openCipher: () => cipher,
    clock: new SteadyClock(),
    cacheBytes: 1_000_000,
    onNote: () => undefined,
  });
  const times = (count: number, work: (done: number) => void): void => {
    for (let done = 0; done < count; done += 1) work(done);
  };
  const wayOf = (name: string, clients: number, write: Way["write"]): Way => ({ name, clients, write, rates: [] });
  const ways = [
    wayOf("writes: bare inserts", 1, (turn) => {
      times(writesATurn, (done) => {
        bare.insert(nameOf([1, turn, 0], done), value);
      });
    }),
    wayOf("writes: bare groups of 1, sealed", 1, (turn) => {
      times(writesATurn, (done) => {
        bare.insertGroup([nameOf([1, turn, 0], done)], value);
      });
    }),
    wayOf("writes: store, 1 writer", 1, (turn) => write(opened, { turn, clients: 1, writesATurn })),
    wayOf(`writes: bare groups of ${String(writers)}, sealed`, writers, (turn) => {
      times(writesATurn, (done) => {
        const names = Array.from({ length: writers }, (_, client) => nameOf([writers, turn, client], done));
        bare.insertGroup(names, value);
      });
    }),
    wayOf(`writes: store, ${String(writers)} writers`, writers, (turn) =>
      write(opened, { turn, clients: writers, writesATurn }),
    ),
  ] as const;
  for (let turn = 0; turn <= rounds; turn += 1) {
    for (const { write: writeAll, clients, rates } of ways) {
      const startMs = performance.now();
      await writeAll(turn);
      // The first turn makes warm.
      if (turn > 0) rates.push((writesATurn * clients * 1_000) / (performance.now() - startMs));
    }
  }
  await opened.close();
  bare.close();
  rmSync(directory, { recursive: true });
  return ways;
}

interface Turn {
  readonly turn: number;
  readonly clients: number;
  readonly writesATurn: number;
}

/** So many clients, each writing one secret after the other. */
async function write(opened: SecretStore, { turn, clients, writesATurn }: Turn): Promise<void> {
  const call = {
    options: {},
    signal: new AbortController().signal,
    deadline: new Date(Date.now() + 60_000),
    requestId: "bench",
  };
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let done = 0; done < writesATurn; done += 1) {
        await opened.writeSecret(nameOf([clients, turn, client], done), value, {}, call);
      }
    }),
  );
}

function nameOf(writer: readonly number[], done: number): string {
  return [...writer, done].join("/");
}

function rateRatio(a: Way, b: Way): number {
  const ratios = a.rates.map((rate, round) => rate / (b.rates[round] ?? Number.NaN));
  return Number(median(ratios).toFixed(3));
}
