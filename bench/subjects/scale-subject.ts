import { memoryUsage, resourceUsage } from "node:process";
import { PayloadCipher } from "#built/encryption/payload-cipher.js";
import { createTextKeys } from "#built/encryption/text-keys.js";
import { SqliteDatabase } from "#built/managers/sqlite/sqlite-database.js";
import { openStore } from "#built/store/open-store.js";
import type { SecretStore } from "#built/store/secret-store.js";
import { SteadyClock } from "#built/store/steady-clock.js";

// usage: node scale-subject.ts PATH COUNT fill|measure: opens a store, and fills it or prints what it costs
const [path = "", countText = "0", task = "measure"] = process.argv.slice(2);
const count = Number(countText);
const call = {
  options: {},
  signal: new AbortController().signal,
  deadline: new Date(Date.now() + 3_600_000),
  requestId: "bench",
};
const reads = 20_000;
const pageSize = 1_000;
/** How many pages stand for a place. */
const pagesAround = 20;

const startMs = performance.now();
const store = await openStore(new SqliteDatabase(path), {
  managerName: "sqlite",
  openCipher: () => new PayloadCipher(createTextKeys("42".repeat(32), "the bench")),
  clock: new SteadyClock(),
  // Each read goes to the database.
  cacheBytes: 0,
  onNote: () => undefined,
});
await store.listSecrets({ prefix: "", tags: {}, showDeleted: false, pageSize: 1 });
const startedMs = performance.now() - startMs;

if (task === "fill") await fill(store);
else console.log(JSON.stringify(await measure(store)));
await store.close();

/** Names that are not written in their order. */
function nameOf(index: number): string {
  return `team-${String(index % 97)}/service-${String(index)}/API_KEY`;
}

async function fill(target: SecretStore): Promise<void> {
  const writers = 256;
  let next = 0;
  const write = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      await target.writeSecret(nameOf(index), `sk-${String(index).padStart(40, "0")}`, {}, call);
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
}

async function measure(target: SecretStore): Promise<object> {
  await timesOf(2_000, () => read(target));
  const before = resourceUsage().fsRead;
  const readMs = await timesOf(reads, () => read(target));
  // In blocks of 512 bytes, as getrusage(2) counts them.
  const diskMb = ((resourceUsage().fsRead - before) * 512) / 1024 / 1024;
  const rssMb = memoryUsage.rss() / 1024 / 1024;
  const pageMs = await walk(target);
  const middle = Math.floor(pageMs.length / 2);
  return {
    count,
    startMs: startedMs,
    rssMb,
    readP50Us: quantile(readMs, 0.5) * 1_000,
    readP99Us: quantile(readMs, 0.99) * 1_000,
    diskMb,
    pageFirstMs: medianOf(pageMs.slice(0, pagesAround)),
    pageMiddleMs: medianOf(pageMs.slice(Math.max(middle - pagesAround / 2, 0), middle + pagesAround / 2)),
    pageLastMs: medianOf(pageMs.slice(-pagesAround)),
  };
}

async function read(target: SecretStore): Promise<void> {
  await target.readSecret(nameOf(Math.floor(Math.random() * count)));
}

/** How long each full page of names takes, from the first to the last; all of it a few times where they are few. */
async function walk(target: SecretStore): Promise<readonly number[]> {
  const times: number[] = [];
  while (times.length < pagesAround) {
    let pageToken: string | undefined;
    do {
      const before = performance.now();
      const page = await target.listSecrets({ prefix: "", tags: {}, showDeleted: false, pageSize, pageToken });
      if (page.secrets.length === pageSize) times.push(performance.now() - before);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
  }
  return times;
}

function medianOf(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

async function timesOf(times: number, work: () => Promise<void>): Promise<number[]> {
  const found: number[] = [];
  for (let done = 0; done < times; done += 1) {
    const before = performance.now();
    await work();
    found.push(performance.now() - before);
  }
  return found.toSorted((a, b) => a - b);
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
