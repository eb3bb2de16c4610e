import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { run } from "./run-in-process.js";

const directories: string[] = [];
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
});

async function configFile(text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "config-check-"));
  directories.push(directory);
  const file = join(directory, "config.yaml");
  await writeFile(file, text);
  return file;
}

const good = "secret_broker:\n  manager: { kind: memory }\n";
const bad = "secret_broker:\n  manager: { kind: memory }\n  lisen: nothing\n  limits: { max_payload_bytes: -1 }\n";

describe("config check", () => {
  it("says that a good file is good", async () => {
    const file = await configFile(good);
    const { code, stdout } = await run(["config", "check", file]);
    expect(code).toBe(0);
    expect(stdout).toContain(`${file}: ok\n`);
  });

  it("prints every problem with its position and exits with 1", async () => {
    const file = await configFile(bad);
    const { code, stdout } = await run(["config", "check", file]);
    const lines = stdout.trimEnd().split("\n");
    expect(code).toBe(1);
    expect(lines.length).toBeGreaterThanOrEqual(2);
    for (const line of lines) expect(line).toMatch(/^\/.*config\.yaml:\d+:\d+: \S/);
  });

  it("answers in JSON", async () => {
    const { code, stdout } = await run(["config", "check", await configFile(bad), "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, problems: [{ line: expect.any(Number) as number }, {}] });
    const fine = await run(["config", "check", await configFile(good), "--json"]);
    expect(JSON.parse(fine.stdout)).toMatchObject({ ok: true, problems: [] });
  });

  it("exits with 1 for a file that is not there", async () => {
    const { code, stdout, stderr } = await run(["config", "check", "/nonexistent/config.yaml"]);
    expect(code).toBe(1);
    expect(stdout + stderr).toContain("/nonexistent/config.yaml: the file does not exist");
  });
});

describe("config schema", () => {
  it("prints a JSON Schema", async () => {
    const { code, stdout } = await run(["config", "schema"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ $schema: expect.stringContaining("json-schema.org") as string });
  });
});
