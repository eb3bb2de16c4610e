import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { withSocketMode } from "../../src/server/unix-socket.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { RpcCaller } from "../app/call-rpc.js";

/** Asks for a page of names, over the socket at its last argument, with nothing but Node.js. */
const listing = `
  const socket = require("net").connect(process.argv[1]);
  const end = (text) => { console.log(text); process.exit(); };
  socket.on("error", ({ code }) => end(code));
  socket.on("connect", () => {
    const client = require("http2").connect("http://localhost", { createConnection: () => socket });
    const call = client.request({
      ":method": "POST", ":path": "/secretbroker.v1.SecretBroker/ListSecrets",
      "content-type": "application/grpc", te: "trailers",
    });
    const seen = (headers) => { if ("grpc-status" in headers) end("grpc-status " + headers["grpc-status"]); };
    call.on("response", seen).on("trailers", seen).resume().end(Buffer.alloc(5));
  });
`;

/** Lists as another user; what the call or the connection ended with. */
async function listAs(path: string, user: { readonly uid: number; readonly gid: number }): Promise<string> {
  const child = spawn(process.execPath, ["--eval", listing, path], {
    ...user,
    cwd: "/",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return (await text(child.stdout)).trim();
}

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

  it("opens a socket for other users from its first moment, and no wider than asked", async () => {
    const folder = mkdtempSync(join(tmpdir(), "secret-broker-mode-"));
    const path = join(folder, "s.sock");
    const server = createServer();
    writeFileSync(join(folder, "plain"), "");
    const plain = statSync(join(folder, "plain")).mode;
    for (const mode of [0o600, 0o660, 0o666]) {
      withSocketMode(mode, () => {
        server.listen(path);
        expect((statSync(path).mode & 0o777).toString(8)).toBe(mode.toString(8));
      });
      writeFileSync(`${folder}/${String(mode)}`, "");
      expect(statSync(`${folder}/${String(mode)}`).mode).toBe(plain);
      await new Promise((resolve) => server.close(resolve));
    }
    rmSync(folder, { recursive: true });
  });

  it.runIf(process.getuid?.() === 0)(
    "lets in another user where its mode and directory do, and nowhere else",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "secret-broker-shared-"));
      const listen = ["0600", "0660", "0666"].map(
        (mode) => `{ address: "unix:${folder}/${mode}.sock", principal: app, mode: "${mode}" }`,
      );
      const config = `
secret_broker:
  manager: { kind: memory }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  listen: [${listen.join(", ")}]
  policies: [{ name: all, principals: [app], actions: [list], names: ["**"] }]
`;
      brokers.push(await startBroker({ config, listen: [] }));
      const nobody = (mode: string, gid: number): Promise<string> =>
        listAs(`${folder}/${mode}.sock`, { uid: 65_534, gid });
      const owner = process.getgid?.() ?? 0;
      // The directory is its owner's alone.
      expect(await nobody("0666", 65_534)).toBe("EACCES");
      chmodSync(folder, 0o755);
      expect(await nobody("0600", 65_534)).toBe("EACCES");
      expect(await nobody("0600", owner)).toBe("EACCES");
      expect(await nobody("0660", 65_534)).toBe("EACCES");
      expect(await nobody("0660", owner)).toBe("grpc-status 0");
      expect(await nobody("0666", 65_534)).toBe("grpc-status 0");
      rmSync(folder, { recursive: true });
    },
  );

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
