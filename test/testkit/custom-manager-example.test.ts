import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

describe("the example of a conformance test, in a folder with nothing but the package", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "custom-manager-test-"));
    cpSync(join(root, "examples/custom-manager-test"), folder, { recursive: true });
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(root, join(folder, "node_modules/secret-broker"), "dir");
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("passes", () => {
    const { status, stdout, stderr } = runTests(folder);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^# fail 0$/m);
    expect(Number(/^# pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(40);
    expect(status).toBe(0);
  });

  it("fails when the class breaks a law", () => {
    const broken = `
      export class TextSecretManager {
        secrets = {};
        readSecret(name) { return this.secrets[name]; }
        writeSecret(name, value) { this.secrets[name] = String(value).trim(); }
        deleteSecret(name) { return delete this.secrets[name]; }
      }`;
    writeFileSync(join(folder, "text_secret_manager.ts"), broken);
    const { status, stdout } = runTests(folder);
    expect(stdout).toMatch(/not ok .* reads the names of built-in object members as absent/);
    expect(stdout).toMatch(/not ok .* reads a number with spaces around it as it was written/);
    expect(stdout).toMatch(/not ok .* refuses bytes rather than keeping something else/);
    expect(stdout).toMatch(/not ok .* answers a second deletion with not_found/);
    expect(status).toBe(1);
  });
});

function runTests(folder: string): { status: number | null; stdout: string; stderr: string } {
  const environment = { ...process.env };
  // Otherwise the child takes itself for a worker of this run.
  delete environment["NODE_OPTIONS"];
  delete environment["NODE_TEST_CONTEXT"];
  const options = { cwd: folder, encoding: "utf8", env: environment } as const;
  return spawnSync(process.execPath, ["--test", "--test-reporter=tap"], options);
}
