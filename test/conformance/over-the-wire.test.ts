import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { openManager } from "../../src/app/open-manager.js";
import type { ProcessConfig } from "../../src/config/config.js";
import { serveManager } from "../../src/manager-host/serve-manager.js";
import { describeSecretManager, verifyManager } from "../../src/testkit/index.js";
import { servedManager } from "./served-manager.js";
import { subjects, throughWrapper, wireKinds } from "./subjects.js";

const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
const quiet = (): void => undefined;

/** A folder with a configuration of its own. */
async function folderFor(manager: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "over-the-wire-"));
  await writeFile(join(folder, "m.yaml"), `secret_broker: { manager: ${manager} }\n`);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe("a process, behind another wire, keeps every law and bears every fault", { timeout: 240_000 }, () => {
  it.each(["{ kind: memory }", "{ kind: sqlite, path: s.db }"])("%s", async (manager) => {
    const directory = await folderFor(manager);
    const config: ProcessConfig = {
      kind: "process",
      command: [process.execPath, main, "manager", "serve", "--config", "m.yaml", "--stop-with-stdin"],
      directory,
      environment: ["PATH"],
      instances: 1,
      startTimeoutMs: 30_000,
    };
    const opened = await openManager(config, { log: { error: quiet, warn: quiet, info: quiet, debug: quiet } });
    const path = join(directory, "m.sock");
    const served = await serveManager(opened, { address: `unix:${path}` });
    try {
      const report = await verifyManager({ address: { kind: "unix", path } });
      expect(report.checks.filter(({ outcome }) => outcome !== "held")).toEqual([]);
      expect(report).toMatchObject({ broken: 0, left: 0 });
      expect(report.held).toBeGreaterThan(160);
    } finally {
      await served.close();
      await opened.close?.();
    }
  });
});

describe("every kind of manager behind a wire", () => {
  it("is named with what holds it to the laws", () => {
    expect(Object.keys(wireKinds)).toEqual(["remote", "process", "upstream"]);
  });
});

for (const [kind, subject] of Object.entries(subjects)) {
  describeSecretManager({ describe, it }, `${kind} in another process`, throughWrapper(subject, servedManager));
}
