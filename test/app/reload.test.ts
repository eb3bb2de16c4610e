import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startBroker } from "../../src/testkit/start-broker.js";
import { RpcCaller } from "./call-rpc.js";

const program = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

function configOf(mode: string, more = ""): string {
  return `
general_settings:
  key_management_settings:
    access_mode: ${mode}
secret_broker:
  manager: { kind: memory }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
${more}`;
}

describe("a running broker whose configuration changes", () => {
  let folder: string;
  let file: string;
  let child: ChildProcess;
  let caller: RpcCaller;
  let log = "";

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "secret-broker-reload-"));
    file = join(folder, "config.yaml");
    writeFileSync(file, configOf("read_and_write"));
    log = "";
    child = spawn(process.execPath, [program, "serve", "--config", file, "--listen", "127.0.0.1:0"]);
    child.stderr?.on("data", (chunk: Buffer) => (log += chunk.toString("utf8")));
    await untilLogged("grpcurl");
    caller = new RpcCaller(/gRPC +(127\.0\.0\.1:\d+)/u.exec(log)?.[1] ?? "");
  });

  afterEach(async () => {
    caller.close();
    child.kill("SIGTERM");
    const [code] = (await once(child, "close")) as [number];
    rmSync(folder, { recursive: true, force: true });
    expect(code).toBe(0);
  });

  async function untilLogged(text: string): Promise<void> {
    while (!log.includes(text)) await wait(20);
  }

  const write = { name: "KEY", payload: { $case: "text", value: "placeholder" } };

  it("puts a changed file in force without dropping a call", async () => {
    await caller.call("WriteSecret", write);
    const loading = new AbortController();
    const failures: unknown[] = [];
    const load = (async (): Promise<void> => {
      while (!loading.signal.aborted) {
        const { code, error } = await caller.call("ReadSecret", { name: "KEY" });
        if (code !== "OK") failures.push(error);
      }
    })();
    writeFileSync(`${file}.new`, configOf("read_only"));
    renameSync(`${file}.new`, file);
    await untilLogged("the configuration was reloaded");
    expect(await caller.call("WriteSecret", write)).toMatchObject({ reason: "ACCESS_MODE_DENIED" });
    loading.abort();
    await load;
    expect(failures).toEqual([]);
  });

  it("reloads on SIGHUP too", async () => {
    child.kill("SIGHUP");
    await untilLogged("the configuration was reloaded");
    expect(log).toContain("SIGHUP");
  });

  it("keeps the old configuration when the new one is bad, and says why and where", async () => {
    writeFileSync(file, configOf("read_onyl", "  audt: {}\n"));
    await untilLogged("the old one stays in force");
    expect(log).toMatch(/config\.yaml:4:18: [^"]*access_mode/u);
    expect(log).toMatch(/config\.yaml:9:3: [^"]*did you mean \\"audit\\"/u);
    expect(await caller.call("WriteSecret", write)).toMatchObject({ code: "OK" });
  });

  it("names what needs a restart", async () => {
    writeFileSync(file, configOf("read_and_write", "  limits: { max_concurrent_streams: 5 }\n"));
    await untilLogged("need a restart");
    expect(log).toContain("max_concurrent_streams");
  });
});

describe("a broker with a user's class", () => {
  it("keeps the old configuration when the new one prefetches what the class may tell callers apart", async () => {
    const config = `
general_settings:
  key_management_system: custom
  key_management_settings: { custom_secret_manager: mine.Mine, access_mode: read_only }
secret_broker:
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
`;
    const files = { "mine.mjs": "export class Mine { readSecret() { return 'placeholder'; } }" };
    const broker = await startBroker({ config, files });
    const caller = new RpcCaller(broker.address);
    try {
      const prefetching = config.replace("read_only", "write_only").concat("  cache: { ttl: 1m, prefetch: [A] }\n");
      writeFileSync(join(broker.directory, "config.yaml"), prefetching);
      expect(await caller.call("ReloadConfiguration")).toMatchObject({ reason: "CONFIG_INVALID" });
      expect(await caller.call("ReadSecret", { name: "A" })).toMatchObject({ code: "OK" });
      writeFileSync(join(broker.directory, "config.yaml"), config.replace("read_only", "write_only"));
      expect(await caller.call("ReloadConfiguration")).toMatchObject({ code: "OK" });
      expect(await caller.call("ReadSecret", { name: "A" })).toMatchObject({ reason: "ACCESS_MODE_DENIED" });
    } finally {
      caller.close();
      await broker.stop();
    }
  });
});
