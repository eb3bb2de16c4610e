import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError } from "../../src/config/config-error.js";
import { loadConfig } from "../../src/config/load-config.js";
import { withMemory } from "./config-text.js";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "load-config-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, content);
  return file;
}

/** What loading a file fails with. */
async function failureOf(file: string): Promise<ConfigError> {
  const failure: unknown = await loadConfig(file).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure instanceof ConfigError) return failure;
  throw new Error("it did not fail with a ConfigError");
}

describe("loadConfig", () => {
  it("takes relative paths relative to the file, not to the working directory", async () => {
    const file = await write(
      "relative.yaml",
      withMemory("  listen: unix:b.sock\n  audit: { sink: file, path: a/b }\n"),
    );
    const { config } = await loadConfig(relative(process.cwd(), file));
    expect(config.file).toBe(file);
    expect(config.listen).toEqual([{ kind: "unix", path: join(directory, "b.sock") }]);
    expect(config.audit).toMatchObject({
      keyPath: join(directory, ".secret-broker/audit.key"),
      sinks: [{ kind: "file", path: join(directory, "a/b"), headPath: join(directory, ".secret-broker/b.head") }],
    });
  });

  it("takes --listen relative to the working directory", async () => {
    const file = await write("override.yaml", withMemory(""));
    const { config } = await loadConfig(file, { listen: ["unix:b.sock", "[::1]:0"] });
    expect(config.listen).toEqual([
      { kind: "unix", path: join(process.cwd(), "b.sock") },
      { kind: "tcp", host: "::1", port: 0 },
    ]);
    expect((await loadConfig(file, { listen: [] })).config.listen).toHaveLength(1);
  });

  it.each([
    ["missing", (): string => join(directory, "nowhere.yaml"), "does not exist"],
    ["under a file", (): string => join(directory, "plain", "config.yaml"), "does not exist"],
    ["a directory", (): string => directory, "is a directory"],
    ["a symbolic link to nowhere", (): string => join(directory, "dangling.yaml"), "does not exist"],
    ["a link to itself", (): string => join(directory, "loop.yaml"), "leads to itself"],
  ])("says that a file is %s, without a position", async (_case, path, words) => {
    await write("plain", "");
    for (const [name, target] of [
      ["dangling.yaml", "nowhere.yaml"],
      ["loop.yaml", "loop.yaml"],
    ] as const) {
      await rm(join(directory, name), { force: true });
      await symlink(target, join(directory, name));
    }
    const failure = await failureOf(path());
    expect(failure.problems).toEqual([
      { file: path(), line: 0, column: 0, path: "", message: failure.problems[0]?.message },
    ]);
    expect(failure.message).toContain(`${path()}: the file `);
    expect(failure.message).toContain(words);
  });

  it.skipIf(process.getuid?.() === 0)("says that a file may not be read", async () => {
    const file = await write("closed.yaml", withMemory(""));
    await chmod(file, 0o000);
    expect((await failureOf(file)).message).toContain("may not be read by this user");
  });

  it("keeps the guard of an address that --listen replaces", async () => {
    const guarded = '  listen: ["127.0.0.1:0", { address: "unix:a.sock", require_metadata: true }]\n';
    const file = await write("guarded.yaml", withMemory(guarded));
    const given = ["unix:b.sock", "127.0.0.1:0"];
    const { config } = await loadConfig(file, { listen: given });
    expect(config.listen.map(({ requiresMetadata }) => requiresMetadata)).toEqual([true, true]);
    const openFile = await write("open.yaml", withMemory("  listen: unix:a.sock\n"));
    const { config: open } = await loadConfig(openFile, { listen: given });
    expect(open.listen.map(({ requiresMetadata }) => requiresMetadata)).toEqual([undefined, undefined]);
  });

  it("follows symbolic links", async () => {
    await mkdir(join(directory, "..data"));
    await write("..data/config.yaml", withMemory(""));
    await symlink("..data/config.yaml", join(directory, "linked.yaml"));
    expect((await loadConfig(join(directory, "linked.yaml"))).config.manager).toEqual({ kind: "memory" });
  });

  it("reads up to 1 MiB, and says so beyond", async () => {
    const text = withMemory("");
    const padded = (bytes: number): string => `${text}#${"x".repeat(bytes - text.length - 2)}\n`;
    const largest = await write("largest.yaml", padded(1_048_576));
    expect((await loadConfig(largest)).config.manager).toEqual({ kind: "memory" });
    expect((await failureOf(await write("larger.yaml", padded(1_048_577)))).message).toContain("larger than 1 MiB");
  });

  it("reads no more than that of what never ends", async () => {
    expect((await failureOf("/dev/zero")).message).toContain("larger than 1 MiB");
  });

  it.each([
    ["an overlong form", "\xc0\xaf"],
    ["half a character", "\xc3"],
    ["a surrogate", "\xed\xa0\x80"],
    ["Latin-1", "gr\xfcn"],
  ])("says where a file is not UTF-8: %s", async (_case, bytes) => {
    const file = await write("latin.yaml", Buffer.from(`a: 1\nb: ${bytes}\n`, "latin1"));
    expect((await failureOf(file)).problems).toMatchObject([{ line: 2, path: "" }]);
    expect((await failureOf(file)).message).toContain("UTF-8");
  });

  it("takes UTF-16 for no UTF-8", async () => {
    const file = await write("utf16.yaml", Buffer.from(`\uFEFF${withMemory("")}`, "utf16le"));
    expect((await failureOf(file)).message).toContain("UTF-8");
  });
});
