import { existsSync } from "node:fs";
import { appendFile, chmod, mkdtemp, readFile, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileTarget } from "../../src/audit/file-target.js";

let folder = "";
let path = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-"));
  path = join(folder, "audit.jsonl");
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function openTarget(file = path, rotateBytes = 1024 ** 3): Promise<FileTarget> {
  const target = new FileTarget(file, { rotateBytes });
  await target.open();
  return target;
}

describe("a file target", () => {
  it("makes its directory for its user alone, and the file as well", async () => {
    const deep = join(folder, "deep", "er", "audit.jsonl");
    const target = await openTarget(deep);
    await target.append(Buffer.from("{}\n"));
    await target.close();
    expect((await stat(deep)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, "deep"))).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, "deep", "er"))).mode & 0o777).toBe(0o700);
    expect([target.description, target.bytes]).toEqual([deep, 3]);
  });

  it("leaves the rights of a file that was there as they are", async () => {
    await appendFile(path, "");
    await chmod(path, 0o640);
    await (await openTarget()).close();
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });

  it("writes megabytes of lines whole", async () => {
    const target = await openTarget();
    const lines = `${"\u20ac".repeat(100)}\n`.repeat(20_000);
    await target.append(Buffer.from(lines));
    await target.close();
    expect((await readFile(path, "utf8")) === lines).toBe(true);
  });

  it("ends a line that a crash tore, and tells how much belongs to no link", async () => {
    await writeFile(path, 'whole\n{"torn":');
    const target = new FileTarget(path, { rotateBytes: 1024 ** 3 });
    const { end, torn } = await target.open();
    const pieces: Buffer[] = [];
    for await (const bytes of torn?.read() ?? []) pieces.push(bytes);
    await target.close();
    expect([end, torn?.length]).toEqual([undefined, 15]);
    expect(Buffer.concat(pieces).toString()).toBe('whole\n{"torn":\n');
    expect(await readFile(path, "utf8")).toBe('whole\n{"torn":\n');
  });

  it("cannot be opened where there is no way to", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(openTarget(join(folder, "file", "audit.jsonl"))).rejects.toThrow("EEXIST");
    await expect(openTarget(folder)).rejects.toThrow("EISDIR");
  });

  it("may be closed twice, takes nothing then, and can be opened again", async () => {
    const target = await openTarget();
    await target.close();
    await target.close();
    await expect(target.append(Buffer.from("{}\n"))).rejects.toThrow("not open");
    expect(await target.check()).toBeUndefined();
    await target.open();
    await target.append(Buffer.from("{}\n"));
    await target.close();
    expect(await readFile(path, "utf8")).toBe("{}\n");
  });

  it.runIf(existsSync("/dev/full"))("rejects what a full disk refuses, each time", async () => {
    const target = await openTarget("/dev/full");
    await expect(target.append(Buffer.from("one\n"))).rejects.toThrow("ENOSPC");
    await expect(target.append(Buffer.from("two\n"))).rejects.toThrow("ENOSPC");
    expect(await target.check()).toBeUndefined();
    expect(await target.rotate(1)).toBe(false);
    await target.close();
  });

  it.each([
    ["is as it was written", () => Promise.resolve(), undefined],
    ["was deleted", () => rm(path), { what: "the audit file was deleted", isLoss: true }],
    ["was cut", () => truncate(path, 1), { what: "the audit file was cut short", isLoss: true }],
    [
      "was written to",
      () => appendFile(path, "x"),
      { what: "the audit file was written to by somebody else", isLoss: true },
    ],
    ["was moved", () => rename(path, `${path}.1`), { what: "the audit file was moved away", isLoss: false }],
    [
      "was replaced",
      async () => {
        await writeFile(`${path}.new`, "{}\n");
        await rename(`${path}.new`, path);
      },
      { what: "the audit file was deleted", isLoss: true },
    ],
  ])("knows that it %s", async (_what, change, expected) => {
    const target = await openTarget();
    await target.append(Buffer.from("{}\n"));
    await change();
    expect(await target.check()).toEqual(expected);
    await target.close();
  });

  it("takes no other file's place when it is put aside", async () => {
    const target = await openTarget(path, 1);
    await target.append(Buffer.from("{}\n"));
    await writeFile(`${path}.000000000007`, "of another chain\n");
    expect(await target.rotate(7)).toBe(false);
    expect(await target.rotate(8)).toBe(true);
    await target.close();
    expect(await readFile(`${path}.000000000007`, "utf8")).toBe("of another chain\n");
  });

  it("is put aside under the number of its last link once it is long enough", async () => {
    const target = await openTarget(path, 6);
    await target.append(Buffer.from("{}\n"));
    expect(await target.rotate(1)).toBe(false);
    await target.append(Buffer.from("{}\n"));
    expect(await target.rotate(2)).toBe(true);
    await target.open();
    expect(target.bytes).toBe(0);
    await target.close();
    expect(await readFile(`${path}.000000000002`, "utf8")).toBe("{}\n{}\n");
    expect(await readFile(path, "utf8")).toBe("");
  });
});
