import { appendFile, mkdtemp, readFile, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { maxLineBytes } from "../../src/audit/chain-link.js";
import { openChain, verifyTrail } from "./open-chain.js";

let folder = "";
let path = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-"));
  path = join(folder, "audit.jsonl");
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const record = Buffer.from('{"time":"","request_id":"1"}\n');

/** A trail of one record, and something behind it. */
async function trailWith(add: () => Promise<void>): Promise<number> {
  const { sink } = await openChain(path);
  await sink.write(record);
  await sink.close();
  const { size } = await stat(path);
  await add();
  return (await stat(path)).size - size;
}

describe("a line longer than any of a trail", () => {
  it.each([
    ["with its end", () => appendFile(path, `${"x".repeat(maxLineBytes * 2 + 5)}\n`)],
    ["without its end", () => appendFile(path, "x".repeat(maxLineBytes * 2 + 5))],
    [
      "that ends like a link",
      async () => {
        const [start = ""] = (await readFile(path, "utf8")).split("\n");
        await appendFile(path, `${"x".repeat(maxLineBytes * 2)}${start}\n`);
      },
    ],
  ])("%s is settled, and passes for no link", async (_what, add) => {
    const added = await trailWith(add);
    const isEnded = (await readFile(path)).at(-1) === 0x0a;
    const { sink, findings } = await openChain(path);
    await sink.write(record);
    await sink.close();
    const torn = added + (isEnded ? 0 : 1);
    expect(findings).toEqual([]);
    expect(await verifyTrail(path, sink.position.end)).toMatchObject({ faults: [], records: 2, torn });
  });

  it("is not held, however long it is", { timeout: 120_000 }, async () => {
    // A hole, longer than any string may be.
    const longBytes = 600 * 1024 ** 2;
    await trailWith(async () => {
      await truncate(path, (await stat(path)).size + longBytes);
      await appendFile(path, "\n");
    });
    const { sink } = await openChain(path);
    await sink.close();
    expect(await verifyTrail(path, sink.position.end)).toMatchObject({ faults: [], records: 1, torn: longBytes + 1 });
  });
});
