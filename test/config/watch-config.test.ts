import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ConfigWatch, watchConfig } from "../../src/config/watch-config.js";

/** Far longer than any change takes to be seen. */
const patience = { timeout: 15_000, interval: 20 };
/** Long enough for what must not be told to have been told. */
const quietMs = 600;

let directory = "";
let file = "";
let watch: ConfigWatch | undefined;
let changes = 0;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "watch-config-"));
  file = join(directory, "config.yaml");
  await writeFile(file, "a: 1\n");
  changes = 0;
});

afterEach(async () => {
  watch?.close();
  await rm(directory, { recursive: true, force: true });
});

function start(path = file): void {
  watch = watchConfig(path, () => {
    changes += 1;
  });
}

const expectChanges = (count: number): Promise<void> =>
  vi.waitFor(() => {
    expect(changes).toBe(count);
  }, patience);

describe("a watch tells of", () => {
  it("a file written in place, once for each change", async () => {
    start();
    await writeFile(file, "a: 2\n");
    await expectChanges(1);
    await writeFile(file, "a: 3\n");
    await expectChanges(2);
  });

  it("a file written in many steps once, when it has come to rest", async () => {
    start();
    for (let step = 0; step < 20; step += 1) await writeFile(file, "b: 1\n".repeat(step), { flag: "a" });
    await expectChanges(1);
    await delay(quietMs);
    expect(changes).toBe(1);
  });

  it("a file that another one is renamed to, as editors do it", async () => {
    start();
    await writeFile(`${file}.new`, "a: 2\n");
    await rename(`${file}.new`, file);
    await expectChanges(1);
    await writeFile(file, "a: 3\n");
    await expectChanges(2);
  });

  it("a symbolic link that is swapped beside it, as Kubernetes mounts files", async () => {
    const mount = join(directory, "mount");
    for (const version of ["..one", "..two", "..three"]) {
      await mkdir(join(mount, version), { recursive: true });
      await writeFile(join(mount, version, "config.yaml"), `version: ${version}\n`);
    }
    const swap = async (version: string): Promise<void> => {
      await symlink(version, join(mount, "..data_tmp"));
      await rename(join(mount, "..data_tmp"), join(mount, "..data"));
    };
    await swap("..one");
    await symlink("..data/config.yaml", join(mount, "config.yaml"));
    start(join(mount, "config.yaml"));
    await swap("..two");
    await expectChanges(1);
    await rm(join(mount, "..one"), { recursive: true });
    await swap("..three");
    await expectChanges(2);
  });

  it("a file that a symbolic link leads to, in another directory", async () => {
    const elsewhere = join(directory, "elsewhere");
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, "real.yaml"), "a: 1\n");
    await mkdir(join(directory, "links"));
    await symlink(join(elsewhere, "real.yaml"), join(directory, "links", "config.yaml"));
    start(join(directory, "links", "config.yaml"));
    await writeFile(join(elsewhere, "real.yaml"), "a: 2\n");
    await expectChanges(1);
  });

  it("a file in a directory that was removed and made again", async () => {
    const inner = join(directory, "inner");
    const innerFile = join(inner, "config.yaml");
    await mkdir(inner);
    await writeFile(innerFile, "a: 1\n");
    start(innerFile);
    await rm(inner, { recursive: true });
    await delay(quietMs);
    expect(changes).toBe(0);
    await mkdir(inner);
    await writeFile(innerFile, "a: 2\n");
    await expectChanges(1);
    await writeFile(innerFile, "a: 3\n");
    await expectChanges(2);
  });

  it("a file in a directory that another one took the place of", async () => {
    const [inner, next] = [join(directory, "inner"), join(directory, "next")];
    await mkdir(inner);
    await mkdir(next);
    await writeFile(join(inner, "config.yaml"), "a: 1\n");
    await writeFile(join(next, "config.yaml"), "a: 2\n");
    start(join(inner, "config.yaml"));
    await rename(inner, join(directory, "old"));
    await rename(next, inner);
    await expectChanges(1);
  });

  it("a file that was not there when it began", async () => {
    const later = join(directory, "later", "config.yaml");
    start(later);
    await mkdir(join(directory, "later"));
    await writeFile(later, "a: 1\n");
    await expectChanges(1);
  });

  it("a change in a directory where something else changes all the time", async () => {
    start();
    const over = new AbortController();
    const busy = (async (): Promise<void> => {
      for (let line = 0; !over.signal.aborted; line += 1) {
        await writeFile(join(directory, "audit.jsonl"), `${String(line)}\n`, { flag: "a" });
        await delay(5);
      }
    })();
    await writeFile(file, "a: 2\n");
    await expectChanges(1);
    over.abort();
    await busy;
    expect(changes).toBe(1);
  });
});

describe("a watch does not tell of", () => {
  it("the same bytes written again, other files, or a removal", async () => {
    start();
    await writeFile(file, "a: 1\n");
    await writeFile(join(directory, "other.yaml"), "a: 2\n");
    await writeFile(`${file}.new`, "a: 1\n");
    await rename(`${file}.new`, file);
    await rm(file);
    await delay(quietMs);
    await writeFile(file, "a: 1\n");
    await delay(quietMs);
    expect(changes).toBe(0);
  });

  it("anything once it is closed, not even of what had just changed", async () => {
    start();
    await writeFile(file, "a: 2\n");
    watch?.close();
    watch?.close();
    await writeFile(file, "a: 3\n");
    await delay(quietMs);
    expect(changes).toBe(0);
  });
});
