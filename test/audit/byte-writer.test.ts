import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { open, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ByteWriter } from "../../src/audit/byte-writer.js";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe("a byte writer", () => {
  it.each([true, false])("writes from where the offset says: local %s", async (isLocal) => {
    const path = join(folder, "file");
    await using handle = await open(path, "a");
    const writer = await ByteWriter.for(isLocal ? path : undefined);
    expect(await writer.write(handle, Buffer.from("one\n"), 0)).toBe(4);
    expect(await writer.write(handle, Buffer.from("--two\n"), 2)).toBe(4);
    expect(await readFile(path, "utf8")).toBe("one\ntwo\n");
  });

  it.each([true, false])("rejects with what the system says: local %s", async (isLocal) => {
    const path = join(folder, "file");
    await using handle = await open("/dev/full", "a");
    await using file = await open(path, "a");
    expect((await file.stat()).isFile()).toBe(true);
    const writer = await ByteWriter.for(isLocal ? path : undefined);
    await expect(writer.write(handle, Buffer.from("one\n"), 0)).rejects.toMatchObject({ code: "ENOSPC" });
  });

  it("holds up the process once at most when writes are slow", async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const amount = 256 * 1024;
    // A pipe that takes little stands for a disk that has too much to write.
    const script = `exec 3<${pipe}; sleep 0.3; head -c ${String(amount)} <&3 >/dev/null; sleep 1; cat <&3 >/dev/null`;
    const reader = spawn("sh", ["-c", script], { stdio: "ignore" });
    {
      await using handle = await open(pipe, "w");
      const writer = await ByteWriter.for(folder);
      const slow = await writer.write(handle, Buffer.alloc(amount), 0);
      expect(slow).toBe(amount);
      const next = writer.write(handle, Buffer.alloc(amount), 0);
      const first = await Promise.race([next, delay(100).then(() => "the process goes on")]);
      expect(first).toBe("the process goes on");
      expect(await next).toBe(amount);
    }
    await once(reader, "exit");
  });
});
