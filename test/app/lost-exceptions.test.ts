import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { RpcCaller } from "./call-rpc.js";

const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

const carelessClass = `
export class Careless {
  readSecret(name) {
    if (name === "THROWS_LATER") setTimeout(() => { throw new Error("placeholder-secret-1"); }, 10);
    if (name === "REJECTS_LATER") setTimeout(() => { void Promise.reject("placeholder-secret-1"); }, 10);
    return "placeholder";
  }
  close() { process.stderr.write("closed in order\\n"); }
}
`;
const config = `
general_settings:
  key_management_system: custom
  key_management_settings: { custom_secret_manager: careless.Careless }
secret_broker:
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
`;

describe("a class that throws where nobody waits", () => {
  let directory = "";

  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  async function serve(): Promise<{ caller: RpcCaller; stderr: () => string; exit: Promise<unknown>; stop(): void }> {
    directory = await mkdtemp(join(tmpdir(), "careless-"));
    await writeFile(join(directory, "careless.mjs"), carelessClass);
    await writeFile(join(directory, "config.yaml"), config);
    const address = `unix:${join(directory, "broker.sock")}`;
    const child = spawn(process.execPath, [
      main,
      "serve",
      "--config",
      join(directory, "config.yaml"),
      "--listen",
      address,
    ]);
    let text = "";
    child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
    const exit = once(child, "close").then(([code]) => code as unknown);
    await expect.poll(() => text, { timeout: 10_000 }).toContain('"msg":"serving"');
    return { caller: new RpcCaller(address), stderr: () => text, exit, stop: () => child.kill("SIGTERM") };
  }

  it("stops the broker in order after an exception, and prints none of it", async () => {
    const { caller, stderr, exit } = await serve();
    expect(await caller.call("ReadSecret", { name: "THROWS_LATER" })).toMatchObject({ code: "OK" });
    expect(await exit).not.toBe(0);
    caller.close();
    expect(stderr()).toContain("nobody caught it");
    expect(stderr()).toContain("closed in order");
    expect(stderr()).not.toContain("placeholder-secret-1");
  });

  it("is survived after a rejection, which prints none of it either", async () => {
    const { caller, stderr, exit, stop } = await serve();
    expect(await caller.call("ReadSecret", { name: "REJECTS_LATER" })).toMatchObject({ code: "OK" });
    await expect.poll(stderr).toContain("nobody waited for it");
    expect(await caller.call("ReadSecret", { name: "KEY" })).toMatchObject({ code: "OK" });
    caller.close();
    stop();
    expect(await exit).toBe(0);
    expect(stderr()).not.toContain("placeholder-secret-1");
  });
});
