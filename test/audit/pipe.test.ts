import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { type FileHandle, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileTarget } from "../../src/audit/file-target.js";
import { openChain, verifyTrail } from "./open-chain.js";

let folder = "";
let path = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-"));
  path = join(folder, "pipe");
  await promisify(execFile)("mkfifo", [path]);
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** The reading end, which never waits. */
async function openReader(): Promise<FileHandle> {
  return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
}

async function readSome(reader: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await reader.read(Buffer.alloc(65_536), 0, 65_536);
  return buffer.toString("utf8", 0, bytesRead);
}

describe("a named pipe as audit file", () => {
  it("cannot be opened while nobody reads it, and says so at once", async () => {
    await expect(new FileTarget(path, { rotateBytes: 1024 }).open()).rejects.toMatchObject({ code: "ENXIO" });
  });

  it("is waited for while it is full, and loses and tears nothing", async () => {
    await using reader = await openReader();
    const target = new FileTarget(path, { rotateBytes: 1024 });
    await target.open();
    const lines = Array.from({ length: 300 }, (_, id) => `${String(id).padEnd(999)}\n`).join("");
    const written = target.append(Buffer.from(lines));
    let text = "";
    // What is read first is all that fits; the rest comes as there is room.
    while (text.length < lines.length) text += await readSome(reader).catch(() => "");
    await written;
    expect(text).toBe(lines);
    await target.close();
  });

  it("can be closed while it is full, and is not written to any more", async () => {
    await using reader = await openReader();
    const target = new FileTarget(path, { rotateBytes: 1024 });
    await target.open();
    const written = target.append(Buffer.alloc(1024 ** 2, "x"));
    const refused = expect(written).rejects.toThrow("was closed");
    await target.close();
    await refused;
    expect(await readSome(reader)).toMatch(/^x*$/);
  });
});

describe("a verification", () => {
  it("reads no pipe, in whatever place one is put", async () => {
    const trail = join(folder, "audit.jsonl");
    await expect(verifyTrail(path)).rejects.toThrow("no regular file");
    const { sink } = await openChain(trail);
    await sink.close();
    await promisify(execFile)("mkfifo", [`${trail}.000000000001`]);
    await expect(verifyTrail(trail)).rejects.toThrow("no regular file");
    await rm(`${trail}.000000000001`);
    await writeFile(`${trail}.000000000001`, "");
    expect((await verifyTrail(trail)).faults).toEqual([]);
  });
});
