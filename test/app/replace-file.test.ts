import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { replaceFile } from "../../src/app/replace-file.js";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "replace-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe("replacing a file", () => {
  it("leaves the new content alone, for its owner only", async () => {
    const file = join(folder, "file");
    await writeFile(file, "old", { mode: 0o644 });
    await replaceFile(file, "new");
    expect(await readFile(file, "utf8")).toBe("new");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["file"]);
  });

  it("does not write through a draft that was left behind", async () => {
    const [file, other, open] = [join(folder, "file"), join(folder, "other"), join(folder, "open")];
    await writeFile(other, "another's");
    await symlink(other, `${file}.new`);
    await replaceFile(file, "new");
    expect(await readFile(other, "utf8")).toBe("another's");
    await writeFile(`${open}.new`, "left");
    await chmod(`${open}.new`, 0o666);
    await replaceFile(open, "new");
    expect((await stat(open)).mode & 0o777).toBe(0o600);
  });

  it("keeps the old content when the new one cannot take its place", async () => {
    const file = join(folder, "file");
    await writeFile(file, "old");
    await expect(replaceFile(join(file, "under"), "new")).rejects.toMatchObject({ code: "ENOTDIR" });
    expect(await readFile(file, "utf8")).toBe("old");
  });

  it("leaves no draft where it could not take the place", async () => {
    const taken = join(folder, "taken");
    await mkdir(join(taken, "by a directory"), { recursive: true });
    await expect(replaceFile(taken, "new")).rejects.toMatchObject({ code: "EISDIR" });
    expect(await readdir(folder)).toEqual(["taken"]);
  });
});
