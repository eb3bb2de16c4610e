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

function runHere(argv: readonly string[], { env, ...options }: RunOptions = {}): Promise<RunResult> {
  return run(argv, { env: { SECRET_BROKER_ADDRESS: broker.address, ...env }, ...options });
}

async function written(name: string, stdin: string | Uint8Array): Promise<void> {
  expect(await runHere(["write", name], { stdin })).toMatchObject({ code: 0 });
}

describe("get", () => {
  it.each([
    ["text", "sk-1234"],
    ["nothing", ""],
    ["line breaks at the end", "a\r\n\n"],
    ["bytes", Uint8Array.of(0, 255, 10)],
  ])("prints exactly the bytes to a pipe: %s", async (_label, value) => {
    await written("exact", value);
    const { code, stdoutBytes, stderr } = await runHere(["get", "exact"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdoutBytes).toEqual(Buffer.from(value));
  });

  it("adds a line break for a terminal, and sends it no bytes", async () => {
    await written("shown", "sk-1234");
    expect(await runHere(["get", "shown"], { terminal: true })).toMatchObject({ code: 0, stdout: "sk-1234\n" });
    await written("raw", Uint8Array.of(27, 255));
    expect(await runHere(["get", "raw"], { terminal: true })).toMatchObject({ code: 2, stdout: "" });
  });

  it("prints a field, an older version, and JSON", async () => {
    await written("object", '{"user":"first"}');
    await written("object", '{"user":"second"}');
    expect(await runHere(["get", "object", "--field", "user"])).toMatchObject({ stdout: "second" });
    expect(await runHere(["get", "object", "--field", "user", "--version", "1"])).toMatchObject({ stdout: "first" });
    const { stdout } = await runHere(["get", "object", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ name: "object", version: 2, text: '{"user":"second"}' });
  });

  it("exits with 3 for what is absent and 5 for a broker that is", async () => {
    expect(await runHere(["get", "absent"])).toMatchObject({ code: 3, stdout: "" });
    expect(await run(["get", "absent", "--address", "127.0.0.1:1", "--timeout", "300ms"])).toMatchObject({ code: 5 });
  });
});

describe("get --default-env", () => {
  const fallback = ["--default-env", "FALLBACK"];

  it("prints the variable where the broker has no such secret", async () => {
    const there = { env: { FALLBACK: "from here" } };
    expect(await runHere(["get", "absent", ...fallback], there)).toMatchObject({ code: 0, stdout: "from here" });
    const { stdout } = await runHere(["get", "absent", ...fallback, "--json"], there);
    expect(JSON.parse(stdout)).toEqual({ name: "absent", text: "from here", servedFrom: "environment" });
  });

  it("prefers the broker", async () => {
    await written("both", "from the broker");
    const result = await runHere(["get", "both", ...fallback], { env: { FALLBACK: "from here" } });
    expect(result).toMatchObject({ stdout: "from the broker" });
  });

  it("is no way around a failure, nor to a field that is not there", async () => {
    await written("member", '{"a":"1"}');
    const env = { FALLBACK: "from here" };
    expect(await runHere(["get", "member", "--field", "b", ...fallback], { env })).toMatchObject({
      code: 3,
      stdout: "",
    });
    const argv = ["get", "absent", ...fallback, "--address", "127.0.0.1:1", "--timeout", "300ms"];
    expect(await run(argv, { env })).toMatchObject({ code: 5, stdout: "" });
  });

  it("says when neither is there", async () => {
    const { code, stdout, stderr } = await runHere(["get", "absent", ...fallback]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toContain("and the variable FALLBACK is not set");
  });

  it("takes only a variable's name", async () => {
    const { code, stderr } = await runHere(["get", "absent", "--default-env", "sk-1234"]);
    expect(code).toBe(2);
    expect(stderr).not.toContain("sk-1234");
  });
});
