import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../src/client/index.js";

const program = fileURLToPath(new URL("./promoted-bytes.ts", import.meta.url));
const calls = 8_000;
const atOnce = 16;

/** The process of the test that runs. */
let child: ChildProcess;

afterEach(() => {
  child.kill();
});

/** How many bytes of each read a server's young collections make old, once it has answered for a while. */
async function keptBy(server: "broker" | "bare"): Promise<number> {
  child = fork(program, [server], { execArgv: ["--expose-gc"] });
  const next = async <T>(): Promise<T> => ((await once(child, "message")) as [T])[0];
  const ended = once(child, "exit");
  const { address } = await next<{ address: string }>();
  const client = new SecretBrokerClient(address);
  if (server === "broker") await client.writeSecret({ name: "KEY", payload: "value" });
  const read = async (count: number): Promise<void> => {
    const readers = Array.from({ length: atOnce }, async () => {
      for (let done = 0; done < count / atOnce; done += 1) await client.readSecret({ name: "KEY" });
    });
    await Promise.all(readers);
  };
  await read(calls);
  child.send("begin");
  await next();
  await read(calls);
  child.send("end");
  const promoted = await next<readonly number[]>();
  client.close();
  await ended;
  return promoted.reduce((sum, bytes) => sum + bytes, 0) / calls;
}

describe("what a call leaves behind in a broker", () => {
  it("is freed by young collections, which keep much of it for grpc-js alone", { timeout: 120_000 }, async () => {
    expect(await keptBy("broker")).toBeLessThan(150);
    // Where this fails a broker needs no help any more.
    expect(await keptBy("bare")).toBeGreaterThan(300);
  });
});
