import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { RpcCaller } from "../app/call-rpc.js";

describe("where a broker listens", () => {
  const brokers: TestBroker[] = [];

  afterEach(async () => {
    await Promise.all(brokers.splice(0).map((broker) => broker.stop()));
  });

  async function start(listen?: readonly string[]): Promise<TestBroker> {
    const broker = await startBroker(listen ? { listen } : {});
    brokers.push(broker);
    return broker;
  }

  it("makes its socket for its own user alone, and removes it at the end", async () => {
    const broker = await start();
    const path = broker.socket.slice("unix:".length);
    expect((statSync(path).mode & 0o777).toString(8)).toBe("600");
    const caller = new RpcCaller(broker.socket);
    expect(await caller.call("ListSecrets")).toMatchObject({ code: "OK" });
    caller.close();
    brokers.splice(0);
    await broker.stop();
    expect(existsSync(path)).toBe(false);
  });

  it("takes the place of a socket whose process was killed", async () => {
    const { directory } = await start();
    const path = join(directory, "stale.sock");
    const listener = `require("net").createServer().listen(${JSON.stringify(path)}, () => console.log("listening"))`;
    const killed = spawn(process.execPath, ["--eval", listener], { stdio: ["ignore", "pipe", "inherit"] });
    await once(killed.stdout, "data");
    killed.kill("SIGKILL");
    await once(killed, "exit");
    expect(statSync(path).isSocket()).toBe(true);
    await start([`unix:${path}`]);
    const caller = new RpcCaller(`unix:${path}`);
    expect(await caller.call("ListSecrets")).toMatchObject({ code: "OK" });
    caller.close();
  });

  it("refuses a file that is no socket, a socket in use, and a port in use", async () => {
    const first = await start();
    const path = join(first.directory, "plain");
    writeFileSync(path, "");
    for (const [address, why] of [
      [`unix:${path}`, "not a socket"],
      [first.socket, "in use"],
      [first.address, "in use"],
    ] as const) {
      await expect(start([address])).rejects.toMatchObject({
        reason: "CONFIG_INVALID",
        message: expect.stringContaining(why) as unknown,
      });
    }
  });

  it("refuses to listen without encryption beyond this machine", async () => {
    await expect(start(["0.0.0.0:0"])).rejects.toThrow(/loopback/u);
  });
});
