import { readFile } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { CliOutput } from "../../src/cli/cli-output.js";
import { createProgram } from "../../src/cli/create-program.js";
import { run } from "./run-in-process.js";

const canary = "sk-canary-4711";

describe("help and version", () => {
  it("prints the package's version", async () => {
    const { version } = JSON.parse(await readFile("package.json", "utf8")) as { version: string };
    expect(await run(["--version"])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("lists the commands and the exit codes", async () => {
    const { code, stdout } = await run(["--help"]);
    expect(code).toBe(0);
    for (const word of ["serve", "read", "write", "delete", "list", "config", "Exit codes:"]) {
      expect(stdout).toContain(word);
    }
  });

  it.each([["serve"], ["read"], ["write"], ["delete"], ["list"], ["config"], ["config", "check"]])(
    "explains %s %s",
    async (...command) => {
      const { code, stdout, stderr } = await run([...command.filter((word) => typeof word === "string"), "--help"]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toMatch(/^Usage: secret-broker /);
    },
  );

  it("shows help on standard error when nothing was asked for", async () => {
    const { code, stdout, stderr } = await run([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^Usage:/);
  });
});

describe("a broker", () => {
  it("comes without the other commands, whose code it would keep for as long as it runs", async () => {
    const io = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough(), env: {} };
    const { commands } = await createProgram({ io, output: new CliOutput(io), exitCode: 0 }, [
      "serve",
      "--config",
      "x",
    ]);
    expect(commands.map((command) => command.name())).toEqual(["serve"]);
  });
});

describe("a wrong command line", () => {
  it.each([
    ["an unknown command", ["raed", "X"], "did you mean read?"],
    ["an unknown option", ["read", "X", "--feild", "a"], "did you mean --field?"],
    ["a missing name", ["read"], "missing required argument 'name'"],
    ["a missing configuration", ["serve"], "--config"],
    ["an argument too many", ["delete", "X", "Y"], "too many arguments"],
    ["a version that is no number", ["read", "X", "--version", "one"], "--version must be a whole number from 1"],
    ["a version that cannot be", ["read", "X", "--version", "0"], "--version must be a whole number from 1"],
    ["a version far too high", ["read", "X", "--version", "4294967296"], "--version must be a whole number"],
    ["a limit of nothing", ["list", "--limit", "0"], "--limit must be a whole number from 1"],
    ["a timeout without a unit", ["list", "--timeout", "10"], "such as 500ms, 10s or 2m"],
    ["a timeout of nothing", ["list", "--timeout", "0s"], "such as 500ms, 10s or 2m"],
    ["a tag without a value", ["list", "--tag", "team"], "--tag must be KEY=VALUE"],
    ["an address that is none", ["list", "--address", "nowhere"], "--address: address must be host:port"],
    ["an address elsewhere", ["list", "--address", "10.0.0.1:50051"], "must be on this machine"],
    ["a certificate without its key", ["list", "--certificate", "/dev/null"], "must be given together"],
    ["a key without its certificate", ["list", "--key", "/dev/null"], "must be given together"],
    ["authorities that are not there", ["list", "--ca-file", "/nonexistent/ca"], "cannot be read (ENOENT)"],
    ["no program to run", ["exec"], "missing required argument 'program'"],
    ["a pause that is none", ["exec", "--stagger", "soon", "true"], "--stagger must be a length of time"],
    ["no template", ["render", "--out", "x"], "--template"],
    ["two preconditions", ["write", "X", "--if-absent", "--expected-version", "1"], "exclude each other"],
    ["a file that is not there", ["write", "X", "--file", "/nonexistent/value"], "there is no such file"],
    ["a directory for a file", ["write", "X", "--file", "/tmp"], "it is a directory"],
  ])("exits with 2 and says what is wrong: %s", async (_label, argv, message) => {
    const { code, stdout, stderr } = await run(argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^secret-broker: /);
    expect(stderr).toContain(message);
  });

  it("names the environment variable when the address came from there", async () => {
    const { stderr } = await run(["list"], { env: { SECRET_BROKER_ADDRESS: "nowhere" } });
    expect(stderr).toContain("SECRET_BROKER_ADDRESS: address must be");
  });

  it("is told in JSON when JSON was asked for", async () => {
    const { code, stdout, stderr } = await run(["raed", "X", "--json"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(JSON.parse(stderr)).toMatchObject({ error: { reason: "USAGE", code: 2 } });
  });
});

describe("a value on the command line", () => {
  it.each([
    ["after the name", ["write", "X", canary]],
    ["as an option nobody knows", ["write", "X", `--value=${canary}`]],
    ["after an option nobody knows", ["write", "X", "--value", canary]],
    ["beginning with dashes", ["write", "X", `--${canary}`]],
    ["beginning with one dash", ["write", "X", `-${canary}`]],
    ["beginning with a space and dashes", ["write", "X", ` ---BEGIN ${canary}`]],
    ["of another command's option", ["read", "X", `--value=${canary}`]],
    ["before the command", [`--value=${canary}`, "write", "X"]],
    ["for a number", ["write", "X", "--expected-version", canary]],
    ["for a tag", ["write", "X", "--tag", canary]],
  ])("is refused and not repeated: %s", async (_label, argv) => {
    const { code, stdout, stderr } = await run(argv, { stdin: "value" });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).not.toContain(canary);
    expect((await run([...argv, "--json"], { stdin: "value" })).stderr).not.toContain(canary);
    expect((await run([...argv, "--debug"], { stdin: "value" })).stderr).not.toContain(canary);
  });

  it("gets the reason explained", async () => {
    const { stderr } = await run(["write", "X", canary]);
    expect(stderr).toContain("read from standard input or --file");
    expect(stderr).toContain("other users of this machine can see a command line");
  });
});
