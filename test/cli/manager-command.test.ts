import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemorySecretManager } from "../../src/managers/memory/memory-secret-manager.js";
import { serveManager } from "../../src/manager-host/serve-manager.js";
import { run } from "./run-in-process.js";

const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
let folder: string;
const path = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "manager-command-"));
  writeFileSync(path("m.yaml"), "secret_broker: { manager: { kind: memory } }\n");
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A memory manager that breaks a promise of its own. */
class Forgetful extends MemorySecretManager {
  override deleteSecret(): { status: "deleted" } {
    return { status: "deleted" };
  }
}

describe("manager verify", { timeout: 120_000 }, () => {
  it("exits with 0 when everything holds, and reports what the manager can do", async () => {
    const { code, stdout } = await run(["manager", "verify", path("m.yaml"), "--json"]);
    const report = JSON.parse(stdout) as Record<string, unknown>;
    expect(report).toMatchObject({
      name: "memory",
      lacking: ["grace_period", "restore", "destroy", "watch"],
      semantics: { payloads: "text_and_bytes", deletion: "final", versionNumbers: "told" },
      broken: 0,
      left: 0,
    });
    expect(code).toBe(0);
  });

  it("exits with 1 and names the broken laws of whatever listens on an address", async () => {
    const served = await serveManager(new Forgetful(), { address: `unix:${path("f.sock")}` });
    try {
      const { code, stdout } = await run(["manager", "verify", `unix:${path("f.sock")}`]);
      expect(code).toBe(1);
      expect(stdout).toContain("broken law: ");
      expect(stdout).toMatch(/^manager {10}memory$/mu);
      expect(stdout).toMatch(/^\d+ held, [1-9]\d* broken, \d+ left out$/mu);
    } finally {
      await served.close();
    }
  });

  it("says when nothing listens, or the target is no address", async () => {
    expect((await run(["manager", "verify", "vault.example:1"])).code).toBe(2);
    expect((await run(["manager", "verify", path("missing.yaml")])).code).toBe(1);
    const { code, stderr } = await run(["manager", "verify", `unix:${path("none.sock")}`]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("could not be asked within 10 seconds")]);
  });
});

describe("manager serve", () => {
  it("says where it serves, and ends when its standard input does", { timeout: 30_000 }, async () => {
    const parameters = [main, "manager", "serve", "--config", path("m.yaml"), "--listen", `unix:${path("s.sock")}`];
    const child = spawn(process.execPath, [...parameters, "--stop-with-stdin"], { stdio: ["pipe", "pipe", "ignore"] });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const address = `unix:${path("s.sock")}`;
    expect(JSON.parse(line.toString())).toEqual({ secret_broker_host: { ready: true, address } });
    const ended = once(child, "exit");
    child.stdin.end();
    expect(await ended).toEqual([0, null]);
  });

  it("needs an address on this machine", async () => {
    const none = await run(["manager", "serve", "--config", path("m.yaml")]);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("give --listen unix:PATH")]);
    const away = await run(["manager", "serve", "--config", path("m.yaml"), "--listen", "0.0.0.0:1"]);
    expect([away.code, away.stderr]).toEqual([1, expect.stringContaining("loopback")]);
  });
});
