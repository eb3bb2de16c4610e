import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../src/client/secret-broker-client.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { CliProcess, commandLineOf, script } from "./exec-process.js";

const canary = "canary-5b1f0a7e";
let broker: TestBroker;
let client: SecretBrokerClient;
let folder: string;
let started: CliProcess[] = [];

beforeAll(async () => {
  broker = await startBroker();
  client = new SecretBrokerClient(broker.address);
});
afterAll(async () => {
  client.close();
  await broker.stop();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "exec-"));
});
afterEach(async () => {
  for (const each of started) await each.kill();
  started = [];
  rmSync(folder, { recursive: true, force: true });
});

function exec(options: readonly string[], text: string, env: Readonly<Record<string, string>> = {}): CliProcess {
  const argv = ["exec", ...options, "--", ...script(folder, text)];
  const process = new CliProcess(argv, { SECRET_BROKER_ADDRESS: broker.address, ...env });
  started.push(process);
  return process;
}

const printsEnvironment = "process.stdout.write(JSON.stringify(process.env));";
const sleeps = "setInterval(() => undefined, 1000);";

function environmentIn(stdout: string): Readonly<Record<string, string>> {
  return JSON.parse(stdout) as Record<string, string>;
}

describe("the environment of the program", () => {
  it("holds the values, byte for byte, beside what was inherited", async () => {
    const value = `${canary} "quoted" $HOME \n line\tключ 🔑\r\n`;
    await client.writeSecret({ name: "WHOLE", payload: value });
    await client.writeSecret({ name: "odd#name", payload: '{"f":"member","n":12345678901234567890}' });
    const process = exec(
      ["--env", "A=WHOLE", "--env", "B=odd#name#f", "--env", "C=odd#name#", "--env", "D=odd#name#n"],
      printsEnvironment,
      { INHERITED: "yes", A: "overridden" },
    );
    expect(await process.ended).toEqual({ code: 0, signal: null });
    expect(environmentIn(process.stdout)).toMatchObject({
      A: value,
      B: "member",
      C: '{"f":"member","n":12345678901234567890}',
      D: "12345678901234567890",
      INHERITED: "yes",
    });
    expect(process.stderr).toBe("");
  });

  it("is without what leads to the broker, unless asked for", async () => {
    const ours = { SECRET_BROKER_TOKEN_FILE: "/dev/null/token" };
    const with_ = exec([], printsEnvironment);
    expect(await with_.ended).toMatchObject({ code: 0 });
    expect(Object.keys(environmentIn(with_.stdout)).filter((name) => name.startsWith("SECRET_BROKER_"))).toEqual([]);
    const kept = exec(["--keep-broker-variables"], printsEnvironment);
    expect(await kept.ended).toMatchObject({ code: 0 });
    expect(environmentIn(kept.stdout)).toMatchObject({ SECRET_BROKER_ADDRESS: broker.address });
    const unreadable = exec([], printsEnvironment, ours);
    expect(await unreadable.ended).toMatchObject({ code: 2 });
  });

  it("is the only place: no command line, no output and not our own environment has a value", async () => {
    await client.writeSecret({ name: "HIDDEN", payload: canary });
    const process = exec(["--env", "A=HIDDEN", "--debug"], `console.log("child " + process.pid); ${sleeps}`);
    await process.prints("child ");
    const child = Number(/child (\d+)/u.exec(process.stdout)?.[1]);
    const ours = process.child.pid ?? 0;
    const environmentOf = (pid: number): string => readFileSync(`/proc/${String(pid)}/environ`, "latin1");
    expect(environmentOf(child)).toContain(canary);
    expect(environmentOf(ours)).not.toContain(canary);
    for (const pid of [child, ours]) expect(commandLineOf(pid)).not.toContain(canary);
    process.child.kill("SIGTERM");
    await process.ended;
    expect(process.stderr).not.toContain(canary);
  });

  it.each([
    ["a zero byte", Uint8Array.of(65, 0, 66), "zero byte"],
    ["what is not UTF-8", Uint8Array.of(0xff, 65), "not UTF-8"],
    ["too much for one variable", canary.repeat(10_000), "of that length"],
  ])("is refused %s, and nothing is started", async (_label, payload, reason) => {
    await client.writeSecret({ name: "UNFIT", payload });
    const process = exec(["--env", "A=UNFIT"], printsEnvironment);
    expect(await process.ended).toMatchObject({ code: 8 });
    expect(process.stdout).toBe("");
    expect(process.stderr).toContain(`A cannot hold a value`);
    expect(process.stderr).toContain(reason);
    expect(process.stderr).not.toContain(canary);
  });
});

describe("before the program starts", () => {
  it("every missing secret is named, at once", async () => {
    await client.writeSecret({ name: "THERE", payload: '{"f":"1"}' });
    const process = exec(["--env", "A=NO_1", "--env", "B=THERE", "--env", "C=THERE#g", "--env", "D=NO_2"], sleeps);
    expect(await process.ended).toMatchObject({ code: 3 });
    expect(process.stderr).toContain(
      '3 of 4 values could not be read: "NO_1" (SECRET_NOT_FOUND), field "g" of "THERE" (FIELD_NOT_FOUND), "NO_2" (SECRET_NOT_FOUND)',
    );
  });

  it("a broker that is not there is waited for until the deadline", async () => {
    const process = exec(["--env", "A=X", "--env", "B=Y", "--timeout", "600ms", "--address", "127.0.0.1:1"], sleeps);
    expect(await process.ended).toMatchObject({ code: 5 });
    expect(process.stderr).toContain('2 of 2 values could not be read: "X"');
  });

  it("a signal ends the wait", async () => {
    const process = exec(["--env", "A=X", "--timeout", "1m", "--address", `unix:${folder}/late.sock`], sleeps);
    await expect.poll(() => process.stderr + String(isListening(process.child.pid)), { timeout: 10_000 }).toBe("true");
    process.child.kill("SIGTERM");
    expect(await process.ended).toEqual({ code: 143, signal: null });
  });

  it.each([
    ["a variable that is none", ["--env", `${canary}=X`]],
    ["a variable twice", ["--env", "A=X", "--env", "A=Y"]],
    ["no secret", ["--env", "A="]],
    ["an unsafe name", ["--env", "A=../x"]],
    ["an unknown action", ["--on-change", canary]],
    ["an unknown signal", ["--on-change", "signal:SIGNONE"]],
  ])("%s is a wrong command line", async (_label, options) => {
    const process = exec(options, sleeps);
    expect(await process.ended).toMatchObject({ code: 2 });
    expect(process.stderr).not.toContain(canary);
  });
});

describe("signals and exit codes", () => {
  it.each([0, 1, 7, 42, 255])("the program's exit code %i is ours", async (code) => {
    expect(await exec([], `process.exit(${String(code)});`).ended).toEqual({ code, signal: null });
  });

  it.each(["SIGKILL", "SIGSEGV", "SIGTERM"] as const)("a program ended by %s is 128 and its number", async (signal) => {
    const process = exec([], `process.kill(process.pid, "${signal}"); ${sleeps}`);
    expect(await process.ended).toEqual({ code: 128 + constants.signals[signal], signal: null });
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH"] as const)(
    "%s reaches the program",
    async (signal) => {
      const text = `process.on("${signal}", () => { console.log("got ${signal}"); process.exit(9); }); ${sleeps} console.log("up");`;
      const process = exec([], text);
      await process.prints("up");
      process.child.kill(signal);
      expect(await process.ended).toEqual({ code: 9, signal: null });
      expect(process.stdout).toContain(`got ${signal}`);
    },
  );

  it("a program that is not there is 127, one that is none 126", async () => {
    const env = { SECRET_BROKER_ADDRESS: broker.address };
    const absent = new CliProcess(["exec", "--", join(folder, "absent")], env);
    expect(await absent.ended).toMatchObject({ code: 127 });
    expect(absent.stderr).toContain("the program cannot be started (ENOENT)");
    expect(await new CliProcess(["exec", "--", folder], env).ended).toMatchObject({ code: 126 });
  });

  it("standard input, output and error are the program's, and its options its own", async () => {
    const text = `process.stdin.pipe(process.stdout); console.error(process.argv.slice(2).join());`;
    const [node, file] = script(folder, text);
    const process = new CliProcess(["exec", node, file, "--json", "--env", "x"], {
      SECRET_BROKER_ADDRESS: broker.address,
    });
    process.child.stdin?.end("through\n");
    expect(await process.ended).toMatchObject({ code: 0 });
    expect(process).toMatchObject({ stdout: "through\n", stderr: "--json,--env,x\n" });
  });
});

/** Whether a process has begun to take signals: its listeners show in what the system knows of it. */
function isListening(pid = 0): boolean {
  const { SIGWINCH } = constants.signals;
  const caught = /^SigCgt:\s*([0-9a-f]+)$/mu.exec(statusOf(pid))?.[1] ?? "0";
  return (BigInt(`0x${caught}`) & (1n << BigInt(SIGWINCH - 1))) !== 0n;
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/status`, "utf8");
  } catch {
    return "";
  }
}
