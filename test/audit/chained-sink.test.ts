import { appendFile, copyFile, mkdtemp, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChainHead } from "../../src/audit/chained-sink.js";
import { type ChainEnd, parseLink } from "../../src/audit/chain-link.js";
import { FileTarget } from "../../src/audit/file-target.js";
import { findTrailFiles } from "../../src/audit/trail-files.js";
import { requestIdsIn } from "./example-record.js";
import { newAuditKey, openChain, verifyTrail } from "./open-chain.js";

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

/** A head in memory. */
class KeptHead implements ChainHead {
  end: ChainEnd | undefined;

  load(): Promise<ChainEnd | undefined> {
    return Promise.resolve(this.end);
  }

  save(line: Buffer): void {
    const link = parseLink(line.toString().trimEnd());
    if (link !== undefined && link.kind !== "batch") this.end = { chain: link.chain, link: link.link, hash: link.hash };
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }
}

/** What a verification says of links that the broker lost. */
function lossOf(links: string): RegExp {
  return new RegExp(`^${links} missing: the broker noticed the loss at [\\dT:.-]{23}Z;`, "u");
}

async function kinds(): Promise<(string | undefined)[]> {
  return (await readFile(path, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => parseLink(line)?.kind);
}

describe("a chained sink", () => {
  it("begins with a start, links each batch, and signs what was written, once", async () => {
    const { sink, findings } = await openChain(path);
    await sink.write(batch(1, 2, 3));
    await sink.write(batch(4));
    await sink.tend();
    await sink.tend();
    await sink.write(batch(5));
    await sink.close();
    expect(await kinds()).toEqual([
      "start",
      undefined,
      undefined,
      "batch",
      "batch",
      "checkpoint",
      "batch",
      "checkpoint",
    ]);
    expect(await verifyTrail(path, sink.position.end)).toMatchObject({ faults: [], records: 5, unsigned: 0, torn: 0 });
    expect([sink.position.end?.link, findings]).toEqual([6, []]);
  });

  it("goes on with its chain after a restart, and with what a crash had not signed", async () => {
    const first = await openChain(path);
    await first.sink.write(batch(1));
    // As after a crash: nothing is signed.
    await first.target.close();
    const second = await openChain(path);
    await second.sink.write(batch(2));
    expect(await verifyTrail(path)).toMatchObject({ faults: [], records: 2, unsigned: 1 });
    await second.sink.close();
    expect(await verifyTrail(path)).toMatchObject({ faults: [], records: 2, unsigned: 0, missingBefore: 0 });
    expect(second.findings).toEqual([]);
  });

  it.each([
    ["a piece of a line", '{"time":"2030'],
    ["whole lines without a link", batch(8, 9).toString()],
    ["whole lines and a piece", `${batch(8).toString()}{"ti`],
  ])("settles %s that a crash left", async (_what, rest) => {
    const first = await openChain(path);
    await first.sink.write(batch(1));
    await first.target.close();
    await appendFile(path, rest);
    expect((await verifyTrail(path)).faults).toMatchObject([
      { message: expect.stringContaining("follow the last link") as string },
    ]);
    const second = await openChain(path);
    await second.sink.write(batch(2));
    await second.sink.close();
    const torn = rest.length + (rest.endsWith("\n") ? 0 : 1);
    expect(await verifyTrail(path)).toMatchObject({ faults: [], records: 2, torn });
  });

  it("goes on after a write that failed halfway", async () => {
    const target = new FileTarget(path, { rotateBytes: 1024 ** 3 });
    const { sink, findings } = await openChain(path, { target });
    const append = target.append.bind(target);
    await sink.write(batch(1));
    target.append = async (bytes) => {
      await append(bytes.subarray(0, 30));
      throw new Error("no space left");
    };
    await expect(sink.write(batch(2))).rejects.toThrow("no space left");
    target.append = append;
    await sink.write(batch(3));
    await sink.close();
    expect(await verifyTrail(path)).toMatchObject({ faults: [], records: 2, torn: 31 });
    expect(findings).toEqual([]);
  });

  it("is put aside when it is long, and goes on in the next file", async () => {
    const { sink, findings } = await openChain(path, { rotateBytes: 2_000 });
    for (let id = 0; id < 60; id += 1) {
      await sink.write(batch(id));
      await sink.tend();
    }
    await sink.close();
    const { own } = await findTrailFiles(path);
    expect(own.length).toBeGreaterThan(5);
    expect(await verifyTrail(path, sink.position.end)).toMatchObject({ faults: [], records: 60, unsigned: 0 });
    const texts = await Promise.all(own.map((file) => readFile(file, "utf8")));
    expect(requestIdsIn(texts.join(""))).toEqual(Array.from({ length: 60 }, (_, id) => String(id)));
    expect(findings).toEqual([]);
    await rm(own[0] ?? "");
    expect(await verifyTrail(path)).toMatchObject({ faults: [], missingBefore: expect.any(Number) as number });
    await rm(own[2] ?? "");
    const [fault, ...others] = (await verifyTrail(path)).faults;
    expect([fault?.file, fault?.line, others]).toEqual([own[3], 1, []]);
    expect(fault?.message).toMatch(/^links \d+ to \d+ are missing: what stood between this/u);
  });

  it("notices within a look that its file was deleted, and begins another that shows the gap", async () => {
    const { sink, findings } = await openChain(path);
    await sink.write(batch(1));
    await rm(path);
    await sink.tend();
    expect(findings).toEqual([{ message: "the audit file was deleted; it is begun anew", isLoss: true }]);
    await sink.write(batch(2));
    await sink.close();
    expect(await verifyTrail(path, sink.position.end)).toMatchObject({
      faults: [{ line: 1, message: expect.stringMatching(lossOf("links 1 to 2 are")) as string }],
      records: 1,
      missingBefore: 0,
    });
  });

  it("tells what was lost behind files that are there, and nothing once it is back", async () => {
    const { sink } = await openChain(path, { rotateBytes: 1 });
    await sink.write(batch(1));
    await sink.tend();
    await sink.write(batch(2));
    const [kept, back] = [join(folder, "kept"), `${path}.000000000005`];
    await copyFile(path, kept);
    await rm(path);
    await sink.tend();
    await sink.close();
    const messages = async (): Promise<readonly string[]> =>
      (await verifyTrail(path, sink.position.end)).faults.map(({ message }) => message);
    expect(await messages()).toEqual([expect.stringMatching(lossOf("links 4 to 5 are"))]);
    await copyFile(kept, back);
    expect(await messages()).toEqual([]);
    await rm(back);
    await rm(`${path}.000000000003`);
    expect(await messages()).toEqual([expect.stringMatching(lossOf("links 1 to 5 are"))]);
  });

  it("looks into the file before one that says so, whatever the time", async () => {
    const { sink } = await openChain(path);
    await sink.write(batch(1));
    const kept = join(folder, "kept");
    await copyFile(path, kept);
    await rm(path);
    await sink.tend();
    await sink.close();
    const later = new Date(Date.now() + 60_000);
    expect((await findTrailFiles(path, later)).own).toEqual([path]);
    await rename(kept, `${path}.000000000002`);
    expect((await findTrailFiles(path, later)).own).toEqual([`${path}.000000000002`, path]);
  });

  it("makes nothing of a file that was moved away, as logrotate does", async () => {
    const { sink, findings } = await openChain(path);
    await sink.write(batch(1));
    await rename(path, `${path}.000000000002`);
    await sink.write(batch(2));
    await sink.tend();
    await sink.write(batch(3));
    await sink.close();
    expect(findings).toEqual([{ message: "the audit file was moved away; it is begun anew", isLoss: false }]);
    expect(await verifyTrail(path, sink.position.end)).toMatchObject({ faults: [], records: 3, missingBefore: 0 });
  });

  it("says that a shorter copy took the place of a file that was moved away", async () => {
    const { sink, findings } = await openChain(path);
    await sink.write(batch(1));
    await sink.write(batch(2));
    const [start, first] = (await readFile(path, "utf8")).split("\n");
    await rename(path, join(folder, "hidden"));
    await writeFile(path, `${start ?? ""}\n${first ?? ""}\n`);
    await sink.tend();
    await sink.close();
    expect(findings).toMatchObject([
      { isLoss: false },
      { isLoss: true, message: expect.stringContaining("does not have link 3") as string },
    ]);
    expect((await verifyTrail(path)).faults).not.toEqual([]);
  });

  it("writes on in a file that cannot be put aside, and says so once", async () => {
    const target = new FileTarget(path, { rotateBytes: 1 });
    target.rotate = () => Promise.reject(Object.assign(new Error("no"), { code: "EACCES" }));
    const { sink, findings } = await openChain(path, { target });
    for (const id of [1, 2, 3]) {
      await sink.write(batch(id));
      await sink.tend();
    }
    await sink.close();
    expect(findings).toMatchObject([{ isLoss: false, message: expect.stringContaining("EACCES") as string }]);
    expect(await verifyTrail(path, sink.position.end)).toMatchObject({ faults: [], records: 3 });
  });

  it("says so when its file was cut or written to, and verification finds it", async () => {
    for (const meddle of [() => truncate(path, 400), () => appendFile(path, batch(9))]) {
      const { sink, findings } = await openChain(path);
      await sink.write(batch(1));
      await meddle();
      await sink.tend();
      await sink.close();
      expect(findings).toMatchObject([{ isLoss: true }]);
      await rm(path);
    }
  });
});

describe("a chained sink with a head", () => {
  it.each([
    ["lost its end", () => truncate(path, 600)],
    ["is gone", () => rm(path)],
    ["is another", () => writeFile(path, "{}\n")],
  ])("says at the start that its file %s, and goes on so that the gap shows", async (_what, meddle) => {
    const head = new KeptHead();
    const first = await openChain(path, { head });
    await first.sink.write(batch(1));
    await first.sink.write(batch(2));
    await first.sink.close();
    const known = first.sink.position.end;
    expect(head.end).toEqual(known);
    await meddle();
    expect((await verifyTrail(path, head.end).catch(() => ({ faults: ["missing"] }))).faults).not.toEqual([]);
    const second = await openChain(path, { head });
    expect(second.findings).toMatchObject([{ isLoss: true }]);
    await second.sink.write(batch(3));
    await second.sink.close();
    expect((await verifyTrail(path, known)).faults).not.toEqual([]);
    const { faults } = await verifyTrail(path);
    expect(faults.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/missing: the broker noticed the loss at/u),
    );
    expect(second.sink.position.end?.chain).toBe(known?.chain);
  });

  it("has lost nothing where its file was moved away while it did not run, and is put back", async () => {
    const head = new KeptHead();
    const first = await openChain(path, { head });
    await first.sink.write(batch(1));
    await first.sink.close();
    await rename(path, join(folder, "kept"));
    const second = await openChain(path, { head });
    await second.sink.close();
    expect((await verifyTrail(path)).faults).toMatchObject([
      { message: expect.stringMatching(lossOf("links 1 to 3 are")) as string },
    ]);
    await rename(join(folder, "kept"), `${path}.000000000003`);
    expect(await verifyTrail(path)).toMatchObject({ faults: [], records: 1, missingBefore: 0 });
  });

  it("does not take for its own what somebody without the key has added", async () => {
    const { sink } = await openChain(path);
    await sink.write(batch(1));
    await sink.close();
    const forger = await openChain(join(folder, "forged"), { key: newAuditKey() });
    await forger.sink.write(batch(2));
    await forger.sink.close();
    const [, forged = ""] = (await readFile(join(folder, "forged"), "utf8")).split("\n");
    await appendFile(path, `${forged}\n`);
    const { faults } = await verifyTrail(path);
    expect(faults.map(({ message }) => message)).toContain("the mac is not the broker's: somebody else wrote this");
    const next = await openChain(path);
    await next.sink.close();
    expect(next.findings).toMatchObject([
      { isLoss: true, message: expect.stringContaining("not this broker's") as string },
    ]);
  });
});
