import { createPublicKey } from "node:crypto";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AuditChain } from "../../src/audit/audit-chain.js";
import { createAuditVerifier } from "../../src/audit/audit-key.js";
import type { ChainEnd } from "../../src/audit/chain-link.js";
import { findTrailFiles } from "../../src/audit/trail-files.js";
import type { Verification } from "../../src/audit/verify-chain.js";
import { verifyFiles } from "../../src/audit/verify-files.js";
import { auditKey, newAuditKey, openChain, verifyTrail } from "./open-chain.js";

let folder = "";
let path = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-"));
  path = join(folder, "audit.jsonl");
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

function batch(...ids: readonly number[]): Buffer {
  return Buffer.from(ids.map((id) => `{"time":"","request_id":"${String(id)}"}\n`).join(""));
}

/** What an auditor finds who has the public key alone. */
async function verifyWithPublicKey(): Promise<Verification> {
  const { own } = await findTrailFiles(path);
  return await verifyFiles(own, { verifier: createAuditVerifier(createPublicKey(auditKey.publicKeyPem)) });
}

/** What somebody adds to a trail who knows how it is written and has another key. */
const forger = new AuditChain(newAuditKey());

describe("records that somebody without the key adds in the right form", () => {
  it("are not signed by the broker that runs", async () => {
    const { sink, findings } = await openChain(path);
    await sink.write(batch(1));
    const { end } = sink.position;
    if (end === undefined) throw new Error("nothing was written");
    await appendFile(path, forger.seal(end, batch(666)).bytes);
    await sink.tend();
    await sink.write(batch(2));
    await sink.close();
    expect(findings.every(({ isLoss }) => isLoss)).toBe(true);
    expect((await verifyWithPublicKey()).faults).not.toEqual([]);
  });

  it.each(["batch", "checkpoint"] as const)("are not signed by the broker that starts, behind a %s", async (kind) => {
    const first = await openChain(path);
    await first.sink.write(batch(1));
    await first.sink.close();
    const known = first.sink.position.end;
    if (known === undefined) throw new Error("nothing was written");
    const forged = forger.seal(known, batch(666));
    await appendFile(path, forged.bytes);
    if (kind === "checkpoint") await appendFile(path, forger.checkpoint(forged.end, "2030-01-01T00:00:00.000Z").bytes);
    const head = { load: () => Promise.resolve(known), save: () => undefined, settled: () => Promise.resolve() };
    const second = await openChain(path, { head });
    expect(second.findings).toMatchObject([
      { isLoss: true, message: expect.stringContaining("not this broker's") as string },
    ]);
    await second.sink.close();
    expect(second.sink.position.end).toMatchObject({ chain: known.chain, link: known.link + 1 });
    expect((await verifyWithPublicKey()).faults).not.toEqual([]);
  });
});

describe("several chains in one file", () => {
  /** As a collector keeps what brokers write to standard output, one start after the other. */
  async function chains(count: number): Promise<{ readonly texts: Buffer[]; readonly ends: (ChainEnd | undefined)[] }> {
    const [texts, ends]: [Buffer[], (ChainEnd | undefined)[]] = [[], []];
    for (let index = 0; index < count; index += 1) {
      const own = join(folder, `own-${String(index)}`);
      const { sink } = await openChain(own);
      await sink.write(batch(index));
      await sink.close();
      texts.push(await readFile(own));
      ends.push(sink.position.end);
    }
    return { texts, ends };
  }

  it("are counted, and each is whole", async () => {
    await writeFile(path, Buffer.concat((await chains(3)).texts));
    expect(await verifyWithPublicKey()).toMatchObject({ faults: [], records: 3, unsigned: 0, chains: 3 });
  });

  it("do not hide what no signature covers behind the next one", async () => {
    const { texts, ends } = await chains(2);
    const [[first, second], [end]] = [texts, ends];
    if (first === undefined || second === undefined || end === undefined) throw new Error("nothing was written");
    await writeFile(path, Buffer.concat([first, forger.seal(end, batch(666, 667)).bytes, second]));
    expect(await verifyWithPublicKey()).toMatchObject({ faults: [], records: 4, unsigned: 2 });
    expect((await verifyTrail(path)).faults).not.toEqual([]);
  });

  it("are not there twice", async () => {
    const { texts } = await chains(2);
    await writeFile(path, Buffer.concat([...texts, ...texts.slice(0, 1)]));
    expect((await verifyTrail(path)).faults).toMatchObject([
      { line: 7, message: "a chain begins here that was there before" },
    ]);
  });
});

describe("a record with what ends a line in other languages", () => {
  it.each(["\u2028", "\u2029", "\u0085"])("is a link as others are: %j", async (separator) => {
    const { sink } = await openChain(path);
    await sink.write(Buffer.from(`{"time":"","request_id":"1","asked_field":"a${separator}b"}\n`));
    await sink.write(batch(2));
    await sink.close();
    expect(await verifyTrail(path)).toMatchObject({ faults: [], records: 2, unsigned: 0 });
    const next = await openChain(path);
    await next.sink.close();
    expect([next.findings, next.sink.position.end?.link]).toEqual([[], 5]);
    expect(await readFile(path, "utf8")).toContain(separator);
  });
});
