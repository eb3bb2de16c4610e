import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../src/client/secret-broker-client.js";
import { readReferences, type ReferenceValues } from "../../src/cli/read-references.js";
import { ReferenceFollower } from "../../src/cli/reference-follower.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { CliProcess, script, watchingConfig } from "./exec-process.js";

let broker: TestBroker;
let client: SecretBrokerClient;
let folder: string;
let cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "exec-"));
  broker = await startBroker({ config: watchingConfig });
  client = new SecretBrokerClient(broker.address);
});
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
  client.close();
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
});

function exec(options: readonly string[], text: string): CliProcess {
  const process = new CliProcess(["exec", "--address", broker.address, ...options, "--", ...script(folder, text)]);
  cleanups.push(() => process.kill());
  return process;
}

const restarts = ["--env", "KEY=KEY", "--on-change", "restart", "--stagger", "0"];
const says = "console.log(`has ${process.env.KEY};`); setInterval(() => undefined, 1000);";

async function write(payload: string): Promise<void> {
  await client.writeSecret({ name: "KEY", payload });
}

describe("exec --on-change restart", () => {
  it("starts the program anew with each new value, never two at once", async () => {
    await write("v1");
    const text = `process.on("SIGTERM", () => { console.log("end"); process.exit(0); }); console.log("begin"); ${says}`;
    const process = exec(restarts, text);
    for (const version of ["v1", "v2", "v3"]) {
      if (version !== "v1") await write(version);
      await process.prints(`has ${version};`);
    }
    const marks = [...process.stdout.matchAll(/begin|end/gu)].map(([mark]) => mark);
    expect(marks).toEqual(["begin", "end", "begin", "end", "begin"]);
    process.child.kill("SIGTERM");
    expect(await process.ended).toEqual({ code: 0, signal: null });
    expect(process.stderr).toBe("");
  });

  it("kills a program that does not end within its grace", async () => {
    await write("v1");
    const process = exec([...restarts, "--grace", "50ms"], `process.on("SIGTERM", () => undefined); ${says}`);
    await process.prints("has v1;");
    await write("v2");
    await process.prints("has v2;");
  });

  it("starts nothing after it was told to end, even in the midst of a restart", async () => {
    await write("v1");
    const text = `let told = 0; process.on("SIGTERM", () => { console.log("told"); if (++told === 2) process.exit(5); }); ${says}`;
    const process = exec([...restarts, "--grace", "1m"], text);
    await process.prints("has v1;");
    await write("v2");
    await process.prints("told");
    process.child.kill("SIGTERM");
    expect(await process.ended).toEqual({ code: 5, signal: null });
    expect(process.stdout).not.toContain("v2");
  });

  it("does not start a program again that has ended by itself", async () => {
    await write("v1");
    const process = exec(restarts, `process.on("SIGUSR2", () => process.exit(3)); ${says}`);
    await process.prints("has v1;");
    process.child.kill("SIGUSR2");
    expect(await process.ended).toEqual({ code: 3, signal: null });
    expect(process.stdout).toBe("has v1;\n");
  });

  it("keeps the program when the new value cannot be put into a variable", async () => {
    await write("v1");
    const process = exec(restarts, says);
    await process.prints("has v1;");
    await client.writeSecret({ name: "KEY", payload: Uint8Array.of(65, 0) });
    await expect.poll(() => process.stderr, { timeout: 15_000 }).toContain("the program keeps the secrets it has");
    await write("v3");
    await process.prints("has v3;");
    expect(process.stdout).toBe("has v1;\nhas v3;\n");
  });

  it("keeps the program when its secret is deleted", async () => {
    await write("v1");
    const process = exec(restarts, says);
    await process.prints("has v1;");
    await client.deleteSecret({ name: "KEY", recoveryWindowInDays: 0 });
    await expect.poll(() => process.stderr, { timeout: 15_000 }).toContain("(SECRET_NOT_FOUND)");
    expect(process.child.exitCode).toBeNull();
    expect(process.stdout).toBe("has v1;\n");
  });

  it("keeps the program while the broker is away, and follows it when it is back", async () => {
    await write("v1");
    const options = [...restarts, "--timeout", "300ms", "--env", "FIELD=OBJECT#f"];
    await client.writeSecret({ name: "OBJECT", payload: '{"f":"1"}' });
    const process = exec(options, says);
    await process.prints("has v1;");
    const listen = [broker.address];
    await broker.stop();
    await expect.poll(() => process.stderr, { timeout: 18_000 }).toContain("the program keeps the secrets it has");
    expect(process.child.exitCode).toBeNull();
    broker = await startBroker({ config: watchingConfig, listen });
    await client.writeSecret({ name: "OBJECT", payload: '{"f":"1"}' });
    await write("v2");
    await process.prints("has v2;");
    process.child.kill("SIGTERM");
    expect(await process.ended).toEqual({ code: 143, signal: null });
  }, 60_000);
});

describe("exec --on-change signal:…", () => {
  it("sends the signal and leaves the program running", async () => {
    await write("v1");
    const text = `process.on("SIGHUP", () => console.log("hup")); ${says}`;
    const process = exec(["--env", "KEY=KEY", "--on-change", "signal:SIGHUP", "--stagger", "10ms"], text);
    await process.prints("has v1;");
    await write("v2");
    await process.prints("hup");
    expect(process.stdout).toBe("has v1;\nhup\n");
  });
});

describe("exec without --on-change", () => {
  it("needs no broker any more once the program runs", async () => {
    await write("v1");
    const process = exec(["--env", "KEY=KEY"], `process.on("SIGUSR2", () => process.exit(0)); ${says}`);
    await process.prints("has v1;");
    await broker.stop();
    process.child.kill("SIGUSR2");
    expect(await process.ended).toEqual({ code: 0, signal: null });
    expect(process.stderr).toBe("");
    broker = await startBroker({ config: watchingConfig });
  });
});

describe("a follower", () => {
  it("asks for fields from time to time, and is told again what could not be taken over", async () => {
    const references = [{ name: "OBJECT", field: "f" }];
    await client.writeSecret({ name: "OBJECT", payload: '{"f":"1","g":"1"}' });
    const { signal } = new AbortController();
    const values = await readReferences(client, references, { timeoutMs: 5_000, signal });
    const seen: (string | Uint8Array)[] = [];
    const problems: (string | undefined)[] = [];
    const onChange = (changed: ReferenceValues): void => {
      seen.push(...references.map((reference) => changed.payload(reference)));
      if (seen.length === 1) throw new Error("the disk is full");
    };
    const onProblem = (problem: Error | undefined): unknown => problems.push(problem?.message);
    const follower = new ReferenceFollower({
      client,
      references,
      values,
      timeoutMs: 5_000,
      pollIntervalMs: 20,
      onChange,
      onProblem,
    });
    cleanups.push(() => follower.close());
    await follower.start();
    await client.writeSecret({ name: "OBJECT", payload: '{"f":"1","g":"2"}' });
    await client.writeSecret({ name: "OBJECT", payload: '{"f":"2"}' });
    await expect.poll(() => problems, { timeout: 10_000 }).toEqual(["the disk is full", undefined]);
    expect(seen).toEqual(["2", "2"]);
  });
});
