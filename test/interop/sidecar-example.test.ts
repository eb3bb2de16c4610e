import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { SecretBrokerClient } from "../../src/client/index.js";
import { isMissing, pythonPath, titleOf } from "./peer.js";
import { root } from "./running-broker.js";

const example = join(root, "examples/sidecar");
const patience = { timeout: 60_000, interval: 100 };

interface Running {
  readonly lines: () => readonly string[];
  readonly last: () => string | undefined;
  readonly kill: () => Promise<void>;
}

function start(program: string, parameters: readonly string[], variables: NodeJS.ProcessEnv = {}): Running {
  const env = { ...process.env, ...variables };
  const child: ChildProcess = spawn(program, parameters, { cwd: root, env, stdio: ["ignore", "pipe", "ignore"] });
  const closed = once(child, "close");
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await closed;
  };
  onTestFinished(kill);
  // The last line may not be whole yet.
  const lines = (): readonly string[] => text.split("\n").slice(0, -1);
  return { lines, last: () => lines().at(-1), kill };
}

async function folderOf(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sidecar-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(example, folder, { recursive: true, filter: (path) => !path.includes(".secret-broker") });
  return folder;
}

function serve(folder: string, name: string): Running {
  return start(process.execPath, [join(root, "dist/main.js"), "serve", "--config", join(folder, `${name}.yaml`)]);
}

/** Does what docs/sidecar.md tells of the example, with one app. */
async function follow(startApp: (address: string) => Running): Promise<void> {
  const folder = await folderOf();
  const central = serve(folder, "central");
  const client = new SecretBrokerClient(`unix:${join(folder, ".secret-broker/central.sock")}`);
  onTestFinished(() => client.close());
  const write = async (payload: string): Promise<unknown> => await client.writeSecret({ name: "GREETING", payload });
  await expect.poll(() => write("one").then(() => "written", String), patience).toBe("written");
  const address = `unix:${join(folder, ".secret-broker/sidecar.sock")}`;
  const sidecar = serve(folder, "sidecar");
  const app = startApp(address);
  await expect.poll(app.last, patience).toBe("one fresh");
  await client.rotateSecret({ name: "GREETING", payload: "two" });
  await expect.poll(app.last, patience).toBe("two fresh");
  await central.kill();
  await expect.poll(app.last, patience).toBe("two stale");
  await expect.poll(app.last, patience).toMatch(/^refused (STALE_TOO_OLD|MANAGER_UNAVAILABLE)$/);
  // Once it knew the new value it never gave the old one again.
  const told = app.lines();
  expect(told.slice(told.indexOf("two fresh")).some((line) => line.startsWith("one"))).toBe(false);
  await app.kill();
  await sidecar.kill();
}

describe("examples/sidecar", { timeout: 120_000 }, () => {
  it("keeps an app in Node reading, marked and bounded, when the central broker is killed", async () => {
    await follow((address) => start(process.execPath, [join(example, "app.mjs"), address]));
  });

  it.skipIf(isMissing(pythonPath))(titleOf("keeps an app in Python reading likewise", pythonPath), async () => {
    const variables = { PYTHONPATH: join(root, "clients/python/src") };
    await follow((address) => start(pythonPath, [join(example, "app.py"), address], variables));
  });
});
