import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { launch, run } from "./run-in-process.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const config = `
general_settings:
  key_management_settings: { access_mode: read_and_write }
secret_broker:
  manager: { kind: memory }
  admin: { listen: "127.0.0.1:0" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
`;

interface Folder {
  readonly file: string;
  readonly socket: string;
}

async function newFolder(text: string = config): Promise<Folder> {
  const directory = await mkdtemp(join(tmpdir(), "serve-"));
  cleanups.push(() => rm(directory, { recursive: true }));
  const file = join(directory, "config.yaml");
  await writeFile(file, text);
  return { file, socket: `unix:${join(directory, "broker.sock")}` };
}

async function answers(address: string): Promise<boolean> {
  return (await run(["read", "absent", "--address", address])).code === 3;
}

describe("serve", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("serves where it is told, until %s", async (signal) => {
    const { file, socket } = await newFolder();
    const serving = launch(["serve", "--config", file, "--listen", socket]);
    await expect.poll(() => answers(socket), { timeout: 10_000 }).toBe(true);
    serving.signal(signal);
    expect(await serving.code).toBe(0);
    expect(await answers(socket)).toBe(false);
  });

  it("waits for calls at the first signal and for nothing at the second", async () => {
    const { file, socket } = await newFolder();
    const serving = launch(["serve", "--config", file, "--listen", socket]);
    await expect.poll(() => answers(socket), { timeout: 10_000 }).toBe(true);
    const hangUp = await beginCall(socket);
    let ended = false;
    void serving.code.then(() => (ended = true));
    serving.signal("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(ended).toBe(false);
    serving.signal("SIGINT");
    expect(await serving.code).toBe(130);
    hangUp();
  });

  it("prints where it serves", async () => {
    const { file, socket } = await newFolder();
    const serving = launch(["serve", "--config", file, "--listen", socket]);
    await expect.poll(() => serving.stderr(), { timeout: 10_000 }).toContain(socket);
    serving.signal("SIGTERM");
    await serving.code;
  });

  it("serves a second time with the same file at other addresses", async () => {
    const { file, socket } = await newFolder(
      config.replace("audit: { sink: file, path: audit.jsonl }", "audit: { sink: stdout }"),
    );
    const first = launch(["serve", "--config", file, "--listen", socket]);
    await expect.poll(() => answers(socket), { timeout: 10_000 }).toBe(true);
    const [, host = "", port = ""] = /metrics +http:\/\/([\d.]+):(\d+)\//u.exec(first.stderr()) ?? [];
    const taken = `${host}:${port}`;
    const refused = await run(["serve", "--config", file, "--listen", `${socket}2`, "--admin-listen", taken]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`"${taken}"`);
    expect(refused.stderr).toContain("--admin-listen");
    const second = launch(["serve", "--config", file, "--listen", `${socket}2`, "--admin-listen", "off"]);
    await expect.poll(() => answers(`${socket}2`), { timeout: 10_000 }).toBe(true);
    expect(second.stderr()).not.toContain("metrics");
    for (const serving of [first, second]) serving.signal("SIGTERM");
    expect([await first.code, await second.code]).toEqual([0, 0]);
  });

  it("prints every problem of a bad configuration and exits with 1", async () => {
    const { file } = await newFolder("secret_broker:\n  manager: { kind: memory }\n  lisen: 1\n");
    const { code, stdout, stderr } = await run(["serve", "--config", file]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/config\.yaml:3:\d+: /);
    expect(stderr).toContain("CONFIG_INVALID");
  });
});

describe("the program", () => {
  it("serves as a process, and ends with 0 at SIGTERM", async () => {
    const { file, socket } = await newFolder();
    const child = spawnProgram(["serve", "--config", file, "--listen", socket]);
    const exited = exitOf(child);
    await expect.poll(() => answers(socket), { timeout: 20_000 }).toBe(true);
    child.kill("SIGTERM");
    expect(await exited).toBe(0);
  }, 30_000);

  it("answers from a process like from this one", async () => {
    const child = spawnProgram(["read", "X", "--address", "127.0.0.1:1"]);
    expect(await exitOf(child)).toBe(5);
  }, 30_000);
});

/** Begins a call and never finishes its request. */
async function beginCall(address: string): Promise<() => void> {
  const session = connectHttp2("http://localhost", { createConnection: () => connect(address.slice("unix:".length)) });
  session.on("error", () => undefined);
  const stream = session.request(
    { ":method": "POST", ":path": "/secretbroker.v1.SecretBroker/ReadSecret", "content-type": "application/grpc" },
    { endStream: false },
  );
  stream.on("error", () => undefined);
  // The answer to the ping shows that the server has seen the headers sent before it.
  await new Promise<void>((resolve) => {
    session.once("connect", () =>
      session.ping(() => {
        resolve();
      }),
    );
  });
  const hangUp = (): void => {
    session.destroy();
  };
  cleanups.push(hangUp);
  return hangUp;
}

function spawnProgram(argv: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, ["--import", "./test/cli/resolve-typescript.ts", "src/main.ts", ...argv], {
    stdio: "ignore",
  });
  cleanups.push(() => child.kill("SIGKILL"));
  return child;
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once("exit", (code) => {
      resolve(code);
    });
  });
}
