import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { openManager } from "../../src/app/open-manager.js";
import type { SecretManager } from "../../src/contract/secret-manager.js";
import { isMissing, pythonPath, titleOf } from "../interop/peer.js";
import { type Lines, rememberingLog } from "../managers/remote/process-manager.js";
import { callOf, refusalOf } from "../managers/remote/scripted-manager.js";

const python = "python3";
const hasPython = ((): boolean => {
  try {
    return execFileSync(python, ["-c", "print(1)"]).toString().startsWith("1");
  } catch {
    return false;
  }
})();

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "python-class-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function open(directory: string, interpreter: string, lines: Lines = []): Promise<SecretManager> {
  const environment = ["PYTHONPATH"];
  const config = { kind: "module", classPath: "mine.Mine", directory, python: { interpreter, environment } } as const;
  const manager = await openManager(config, { log: rememberingLog(lines) });
  onTestFinished(() => manager.close?.());
  return manager;
}

/** An interpreter that says what a host says. */
async function pretending(script: string): Promise<string> {
  const folder = await folderOf({ "mine.py": "", python: `#!/bin/sh\n${script}\n` });
  await chmod(join(folder, "python"), 0o755);
  return folder;
}

const says = (reason: string, detail: string): string =>
  `echo '{"secret_broker_host": {"ready": false, "reason": "${reason}", "detail": "${detail}"}}'; exit 3`;

describe("a class in Python that cannot be served", () => {
  it.each([
    ["grpcio is missing", says("GRPCIO_MISSING", "x"), "-m pip install grpcio"],
    [
      "its import fails",
      says("IMPORT_FAILED", "ModuleNotFoundError"),
      '"mine.py" cannot be imported; the log has the traceback (ModuleNotFoundError)',
    ],
    [
      "the class is not there",
      says("CLASS_NOT_FOUND", "there is Other"),
      '"mine.py" has no class "Mine" (there is Other)',
    ],
    ["the class is none", says("NOT_A_MANAGER", ""), '"Mine" in "mine.py" is not a secret manager'],
    [
      "its constructor fails",
      says("CONSTRUCTOR_FAILED", "ValueError"),
      'the constructor of "Mine" in "mine.py" failed',
    ],
    ["the reason is of a later host", says("NEW_REASON", ""), "the Python host is not ready: NEW_REASON"],
    [
      "the host is missing",
      'echo "python: No module named secret_broker" >&2; exit 1',
      "lacks the package secret-broker",
    ],
    ["it ends", "exit 9", "the Python host ended with exit code 9"],
  ])("because %s refuses the start and says so", async (_title, script, text) => {
    const folder = await pretending(script);
    const refusal = await refusalOf(open(folder, "./python"));
    expect(refusal.message).toContain(text);
    expect(refusal.reason).toMatch(/CONFIG_INVALID|MANAGER_UNAVAILABLE/);
  });

  it("because there is no interpreter refuses the start and says how to name one", async () => {
    const folder = await folderOf({ "mine.py": "" });
    expect(await refusalOf(open(folder, "no-such-python"))).toEqual({
      reason: "CONFIG_INVALID",
      message:
        '"mine.py" needs Python, and there is no interpreter "no-such-python"; install it, or set secret_broker.python.interpreter',
    });
  });

  it.skipIf(!hasPython)("logs where in its code it failed, and nothing it quotes", async () => {
    const host = `
import sys, traceback
try:
    raise ValueError("hunter2hunter2")
except ValueError:
    traceback.print_exc()
print('{"secret_broker_host": {"ready": false, "reason": "IMPORT_FAILED", "detail": "ValueError"}}', flush=True)
sys.exit(3)
`;
    const folder = await folderOf({
      "mine.py": "",
      "fake/secret_broker/__init__.py": "",
      "fake/secret_broker/host.py": host,
    });
    const run = join(folder, "run-python");
    await writeFile(run, `#!/bin/sh\nPYTHONPATH=${join(folder, "fake")} exec ${python} "$@"\n`);
    await chmod(run, 0o755);
    const lines: Lines = [];
    const refusal = await refusalOf(open(folder, run, lines));
    expect(refusal.message).toContain("cannot be imported");
    const logged = lines.join("\n");
    expect(logged).toContain("host.py:4");
    expect(logged).not.toContain("hunter2");
  });
});

const bundled = fileURLToPath(new URL("../../clients/python/src/secret_broker/host", import.meta.url));
const cannotServe = isMissing(pythonPath) || !existsSync(bundled);

describe.skipIf(cannotServe)(titleOf("a class of LiteLLM's shape in Python", pythonPath), { timeout: 60_000 }, () => {
  const source = `
class Mine:
    def __init__(self):
        self.kept = {}
    async def async_read_secret(self, secret_name, optional_params=None, timeout=None):
        return self.kept.get(secret_name)
    def sync_read_secret(self, secret_name, optional_params=None, timeout=None):
        return self.kept.get(secret_name)
    async def async_write_secret(self, secret_name, secret_value, description=None, optional_params=None, timeout=None, tags=None):
        self.kept[secret_name] = secret_value
        return {"status": "success"}
`;

  it("reads and writes in a process of its own, found by its extension", async () => {
    const manager = await open(await folderOf({ "mine.py": source }), pythonPath);
    await manager.writeSecret?.("NAME", "value", {}, callOf());
    expect(await manager.readSecret("NAME", callOf())).toMatchObject({ value: "value" });
    expect(await manager.readSecret("ABSENT", callOf())).toBeUndefined();
    expect(manager.listSecrets).toBeUndefined();
  });
});
