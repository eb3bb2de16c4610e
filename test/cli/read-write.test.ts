import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { run, type RunOptions, type RunResult } from "./run-in-process.js";

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  await broker.stop();
});

function runHere(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return run(argv, { env: { SECRET_BROKER_ADDRESS: broker.address }, ...options });
}

async function written(name: string, stdin: string | Uint8Array, ...options: string[]): Promise<RunResult> {
  const result = await runHere(["write", name, ...options], { stdin });
  expect(result.code).toBe(0);
  return result;
}

describe("write and read", () => {
  it.each([
    ["text", "sk-1234"],
    ["an empty value", ""],
    ["line breaks", "a\r\nb\n\n"],
    ["a byte order mark", "\ufefftext"],
    ["text beyond ASCII", "ключ 🔑"],
    ["bytes", Uint8Array.of(0, 255, 10, 13, 10)],
  ])("keep a value byte for byte: %s", async (_label, value) => {
    await written("exact", value);
    const { code, stdoutBytes } = await runHere(["read", "exact", "--raw"]);
    expect(code).toBe(0);
    expect(stdoutBytes).toEqual(Buffer.from(value));
  });

  it("end text with a line break for people", async () => {
    await written("text", "sk-1234");
    expect(await runHere(["read", "text"])).toMatchObject({ code: 0, stdout: "sk-1234\n", stderr: "" });
  });

  it("take a value from a file", async () => {
    const file = join(broker.directory, "value.bin");
    await writeFile(file, Uint8Array.of(1, 254));
    expect(await runHere(["write", "from-file", "--file", file])).toMatchObject({ code: 0 });
    expect((await runHere(["read", "from-file", "--raw"])).stdoutBytes).toEqual(Buffer.of(1, 254));
  });

  it("speak of the version that was written", async () => {
    expect((await written("versions", "one")).stdout).toMatch(/^wrote "versions"( version 1)?\n$/);
  });

  it("find the broker on its Unix socket too", async () => {
    await written("by-socket", "value");
    expect(await run(["read", "by-socket", "--address", broker.socket])).toMatchObject({ stdout: "value\n" });
  });

  it("understand options before the command as well as after", async () => {
    await written("order", "value");
    const before = await run(["--address", broker.address, "--json", "read", "order"]);
    expect(JSON.parse(before.stdout)).toMatchObject({ name: "order", text: "value" });
    const both = await run(["--address", "127.0.0.1:1", "read", "order", "--address", broker.address]);
    expect(both).toMatchObject({ code: 0, stdout: "value\n" });
  });
});

describe("write", () => {
  it("says that a value ends with a newline, and keeps it", async () => {
    expect((await written("newline", "value\n")).stderr).toContain("use --trim-newline to drop it");
    expect(await runHere(["read", "newline", "--raw"])).toMatchObject({ stdout: "value\n" });
  });

  it.each([
    ["value\n", "value"],
    ["value\r\n", "value"],
    ["value\n\n", "value\n"],
    ["value", "value"],
    ["\n", ""],
  ])("drops one newline when asked to: %j", async (stdin, kept) => {
    await written("trimmed", stdin, "--trim-newline");
    expect(await runHere(["read", "trimmed", "--raw"])).toMatchObject({ stdout: kept });
  });

  it("says that a value is empty", async () => {
    expect((await written("empty", "")).stderr).toContain("the value is empty");
  });

  it("stores UTF-8 as text, and as bytes when asked to", async () => {
    await written("as-text", "value");
    await written("as-bytes", "value", "--binary");
    expect(JSON.parse((await runHere(["read", "as-text", "--json"])).stdout)).toMatchObject({ text: "value" });
    expect(JSON.parse((await runHere(["read", "as-bytes", "--json"])).stdout)).toMatchObject({ binary: "dmFsdWU=" });
  });

  it("stores a description and tags", async () => {
    await written("described", "value", "--description", "what for", "--tag", "team=a", "--tag", "stage=x=y");
    expect(JSON.parse((await runHere(["read", "described", "--json"])).stdout)).toMatchObject({
      description: "what for",
      tags: { team: "a", stage: "x=y" },
    });
  });

  it("tells a person at a terminal how to end the value", async () => {
    const { stderr } = await runHere(["write", "typed"], { stdin: "value", terminal: true });
    expect(stderr).toContain("Ctrl-D");
  });

  it("answers in JSON, and then says nothing else", async () => {
    const { stdout, stderr } = await written("json", "value\n", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ name: "json" });
    expect(stderr).toBe("");
  });

  it("does not write over a secret that must not exist", async () => {
    await written("taken", "first");
    const { code, stderr } = await runHere(["write", "taken", "--if-absent"], { stdin: "second" });
    expect(code).toBe(6);
    expect(stderr).toContain("(SECRET_EXISTS)");
    expect(await runHere(["read", "taken"])).toMatchObject({ stdout: "first\n" });
  });

  it("does not write over another version than the expected one", async () => {
    await written("expected", "first");
    const result = await runHere(["write", "expected", "--expected-version", "7"], { stdin: "second" });
    expect(result).toMatchObject({ code: 6 });
    expect(result.stderr).toContain("(VERSION_MISMATCH)");
  });
});

describe("read", () => {
  it("prints one field", async () => {
    await written("object", '{"user":"u","password":"p"}');
    expect(await runHere(["read", "object", "--field", "password"])).toMatchObject({ stdout: "p\n" });
  });

  it("prints an older version", async () => {
    await written("older", "first");
    await written("older", "second");
    expect(await runHere(["read", "older", "--version", "1"])).toMatchObject({ stdout: "first\n" });
    expect(await runHere(["read", "older", "--version", "9"])).toMatchObject({ code: 3 });
  });

  it("never sends bytes to a terminal", async () => {
    await written("bytes", Uint8Array.of(27, 255));
    for (const options of [[], ["--raw"]]) {
      const { code, stdout, stderr } = await runHere(["read", "bytes", ...options], { terminal: true });
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain("--json");
    }
  });

  it("exits with 3 when there is no such secret, and says what to do", async () => {
    const { code, stdout, stderr } = await runHere(["read", "absent"]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toMatch(/^secret-broker: secret "absent" does not exist \(SECRET_NOT_FOUND\)\n {2}check the name/);
  });
});

describe("delete", () => {
  it("deletes, and takes an absent secret for a result", async () => {
    await written("gone", "value");
    expect((await runHere(["delete", "gone"])).stdout).toMatch(/^deleted "gone"/);
    expect(await runHere(["read", "gone"])).toMatchObject({ code: 3 });
    expect(await runHere(["delete", "never-there"])).toMatchObject({
      code: 0,
      stdout: '"never-there" does not exist; nothing was deleted\n',
    });
  });

  it("fails for an absent secret that must exist", async () => {
    expect(await runHere(["delete", "never-there", "--must-exist"])).toMatchObject({ code: 3, stdout: "" });
  });

  it("answers in JSON", async () => {
    await written("gone-too", "value");
    const { stdout } = await runHere(["delete", "gone-too", "--json", "--recovery-window-in-days", "3"]);
    expect(JSON.parse(stdout)).toMatchObject({ name: "gone-too", status: "deleted" });
  });
});
