import { appendFile, chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { existsSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openFileSink } from "../../src/audit/file-sink.js";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe("a file sink", () => {
  it("makes its directory for its user alone, and the file as well", async () => {
    const path = join(folder, "deep", "er", "audit.jsonl");
    const sink = await openFileSink(path);
    await sink.write("{}\n");
    await sink.close();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, "deep"))).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, "deep", "er"))).mode & 0o777).toBe(0o700);
    expect(sink.description).toBe(path);
  });

  it("appends to what is there", async () => {
    const path = join(folder, "audit.jsonl");
    await writeFile(path, "before\n");
    const sink = await openFileSink(path);
    await sink.write("one\n");
    await sink.write("two\n");
    await sink.close();
    expect(await readFile(path, "utf8")).toBe("before\none\ntwo\n");
  });

  it("begins on a new line after one that a crash tore", async () => {
    const path = join(folder, "audit.jsonl");
    await writeFile(path, 'whole\n{"torn":');
    const sink = await openFileSink(path);
    await sink.write("one\n");
    await sink.write("two\n");
    await sink.close();
    expect(await readFile(path, "utf8")).toBe('whole\n{"torn":\none\ntwo\n');
  });

  it("writes megabytes of lines whole", async () => {
    const path = join(folder, "audit.jsonl");
    const sink = await openFileSink(path);
    const lines = `${"\u20ac".repeat(100)}\n`.repeat(20_000);
    await sink.write(lines);
    await sink.close();
    expect((await readFile(path, "utf8")) === lines).toBe(true);
  });

  it("may be closed twice", async () => {
    const sink = await openFileSink(join(folder, "audit.jsonl"));
    await sink.close();
    await sink.close();
  });

  it("cannot be opened where there is no way to", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(openFileSink(join(folder, "file", "audit.jsonl"))).rejects.toThrow();
    await expect(openFileSink(folder)).rejects.toThrow("EISDIR");
  });

  it("opens its file anew after a failure, and after it was moved away says so in a new one", async () => {
    const path = join(folder, "sub", "audit.jsonl");
    const sink = await openFileSink(path);
    await sink.write("one\n");
    await sink.close();
    await rm(join(folder, "sub"), { recursive: true });
    await sink.write("two\n");
    await sink.close();
    expect(await readFile(path, "utf8")).toBe("two\n");
  });

  it.runIf(existsSync("/dev/full"))("rejects a write that a full disk refuses, each time", async () => {
    const sink = await openFileSink("/dev/full");
    await expect(sink.write("one\n")).rejects.toThrow("ENOSPC");
    await expect(sink.write("two\n")).rejects.toThrow("ENOSPC");
    await sink.close();
  });

  it("leaves the rights of a file that was there as they are", async () => {
    const path = join(folder, "audit.jsonl");
    await appendFile(path, "");
    await chmod(path, 0o640);
    const sink = await openFileSink(path);
    await sink.close();
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });
});
