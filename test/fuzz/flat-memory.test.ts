import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Metadata } from "@grpc/grpc-js";
import { expect, it, onTestFinished } from "vitest";
import { RpcCaller } from "../app/call-rpc.js";

const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

const config = `
secret_broker:
  manager: { kind: memory }
  admin: { listen: "127.0.0.1:0" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
`;

/** A heap that a leak of 4 KiB a bad call would fill, which ends the process. */
const heapMb = 64;
const rounds = 10;
const callsARound = 2_560;

const tooMuchMetadata = new Metadata();
tooMuchMetadata.set("x-filler", "x".repeat(7_000));
const late = new Metadata();
late.set("grpc-timeout", "1n");

/** Every kind of call that must not leave anything behind. */
const badCalls: readonly ((caller: RpcCaller, turn: number) => Promise<unknown>)[] = [
  (caller) => caller.call("ReadSecret", Uint8Array.of(0x0a, 0x7f)),
  (caller) => caller.call("ReadSecret", Uint8Array.of(0x0a, 0x03, 0x61, 0xff, 0x62)),
  (caller, turn) => caller.call("ReadSecret", { name: `../${String(turn)}` }),
  (caller, turn) => caller.call("ReadSecret", { name: `absent-${String(turn)}` }),
  (caller) => caller.call("ReadSecret", { name: "KEY" }, tooMuchMetadata),
  (caller) => caller.call("ReadSecret", { name: "KEY" }, late),
  (caller) => caller.call("WriteSecret", { name: "KEY", payload: { $case: "binary", value: Buffer.alloc(2_000) } }),
  (caller) => caller.call("WatchSecrets", Uint8Array.of(0xff)),
];

it("serves on with flat memory, whatever it is sent", { timeout: 120_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), "flat-memory-"));
  await writeFile(join(directory, "config.yaml"), config);
  const address = `unix:${join(directory, "broker.sock")}`;
  const serve = [main, "serve", "--config", join(directory, "config.yaml"), "--listen", address];
  const flags = [`--max-old-space-size=${String(heapMb)}`, "--max-semi-space-size=2"];
  const child = spawn(process.execPath, [...flags, ...serve], { stdio: ["ignore", "ignore", "pipe"] });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await rm(directory, { recursive: true });
  });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  await expect.poll(() => log, { timeout: 10_000 }).toContain("Health/Check");
  const caller = new RpcCaller(address);
  const residentMb = async (): Promise<number> => {
    const text = await readFile(`/proc/${String(child.pid)}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/u.exec(text)?.[1]) / 1024;
  };
  const afterRound: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await sendBadCalls(caller, round);
    await sendHalfConnections(join(directory, "broker.sock"), 20);
    afterRound.push(await residentMb());
  }
  expect(await caller.call("ReadSecret", { name: "absent" })).toMatchObject({ reason: "SECRET_NOT_FOUND" });
  caller.close();
  child.kill("SIGTERM");
  expect(await once(child, "close")).toEqual([0, null]);
  // What V8 and the allocator take at first is no leak: only the later rounds count.
  const [early, later] = [afterRound.slice(rounds / 2, -2), afterRound.slice(-2)];
  const message = `resident MB after each round: ${afterRound.map(Math.round).join(", ")}`;
  expect(Math.min(...later), message).toBeLessThan(Math.max(...early) + 16);
});

async function sendBadCalls(caller: RpcCaller, round: number): Promise<void> {
  for (let sent = 0; sent < callsARound; sent += badCalls.length * 16) {
    const turns = Array.from({ length: 16 }, (_, turn) => round * callsARound + sent + turn);
    await Promise.all(turns.flatMap((turn) => badCalls.map((call) => call(caller, turn))));
  }
}

/** Connections that say half of something, or nonsense, and leave. */
async function sendHalfConnections(path: string, count: number): Promise<void> {
  const said = ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\0".repeat(100)];
  await Promise.all(
    Array.from({ length: count }, async (_, turn) => {
      const socket = connect(path);
      socket.on("error", () => undefined);
      socket.write(said[turn % said.length] ?? "");
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.destroy();
    }),
  );
}
