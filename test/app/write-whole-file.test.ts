import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { writeWholeFile } from "../../src/app/write-whole-file.js";

function pathOf(): string {
  const folder = mkdtempSync(join(tmpdir(), "whole-file-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return join(folder, "backup");
}

describe("a file that is there as a whole or not at all", () => {
  it("has its name only once all of it is written", async () => {
    const path = pathOf();
    const result = await writeWholeFile(path, "the backup", async (write) => {
      await write(Buffer.from("first"));
      // What a process that is killed now leaves.
      expect(existsSync(path)).toBe(false);
      expect(statSync(`${path}.unfinished`).mode & 0o777).toBe(0o600);
      await write(Buffer.from(" second"));
      return 2;
    });
    expect(result).toBe(2);
    expect(readFileSync(path, "utf8")).toBe("first second");
    expect(readdirSync(join(path, ".."))).toEqual(["backup"]);
  });

  it("takes the place of nothing, also of what came meanwhile", async () => {
    const path = pathOf();
    const racing = writeWholeFile(path, "the backup", async (write) => {
      await write(Buffer.from("late"));
      writeFileSync(path, "earlier");
    });
    await expect(racing).rejects.toMatchObject({ reason: "CONFIG_INVALID" });
    await expect(racing).rejects.toThrow("is there already");
    await expect(writeWholeFile(path, "the backup", () => Promise.reject(new Error("asked")))).rejects.toThrow(
      `the backup ${path} is there already`,
    );
    expect(readFileSync(path, "utf8")).toBe("earlier");
    expect(readdirSync(join(path, ".."))).toEqual(["backup"]);
  });

  it("is never another's, where two write one at the same time", async () => {
    const path = pathOf();
    const first = writeWholeFile(path, "the backup", async (write) => {
      await write(Buffer.from("first"));
      const second = writeWholeFile(path, "the backup", (rest) => rest(Buffer.from("second")));
      await expect(second).resolves.toBeUndefined();
    });
    await expect(first).rejects.toThrow("written by another process too");
    expect(readFileSync(path, "utf8")).toBe("second");
    expect(readdirSync(join(path, ".."))).toEqual(["backup"]);
  });

  it("leaves nothing of work that failed, and begins over what a dead process left", async () => {
    const path = pathOf();
    writeFileSync(`${path}.unfinished`, "of another process");
    const failing = writeWholeFile(path, "the backup", async (write) => {
      await write(Buffer.from("x"));
      throw new Error("no more rows");
    });
    await expect(failing).rejects.toThrow("no more rows");
    expect(readdirSync(join(path, ".."))).toEqual([]);
  });
});
