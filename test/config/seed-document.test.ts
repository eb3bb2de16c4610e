import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { KeyManagementSettings } from "../../src/config/config.js";
import { file, load } from "./config-text.js";

/** The document this project is made after; it lies beside a checkout only where the whole is developed. */
const seedDocument = fileURLToPath(new URL("../../../shared/seed/custom-secret-manager.md", import.meta.url));
const isSeedThere = existsSync(seedDocument);

/** The seed's table, last column. */
const defaults: KeyManagementSettings = {
  accessMode: "read_only",
  hostedKeys: undefined,
  storeVirtualKeys: false,
  virtualKeyPrefix: "litellm/",
  description: undefined,
  tags: undefined,
};

const fixture = (name: string): string =>
  readFileSync(new URL(`../fixtures/config/${name}.yaml`, import.meta.url), "utf8");

/** The document's YAML blocks that are called config.yaml, byte for byte. */
function seedConfigurations(): string[] {
  const document = readFileSync(seedDocument, "utf8");
  const blocks = document.matchAll(/^```yaml[^\n]*title="config\.yaml"[^\n]*\n(?<yaml>.*?)^```/gmsu);
  return [...blocks].map(({ groups }) => groups?.["yaml"] ?? "");
}

function expectLoads(text: string, classPath: string, settings: Partial<KeyManagementSettings>): void {
  const { config, warnings } = load(text);
  expect(config.manager).toEqual({ kind: "module", classPath, directory: "/etc/broker" });
  expect(config.keyManagement).toEqual({ ...defaults, ...settings });
  expect(config.file).toBe(file);
  expect(warnings).toEqual([]);
}

describe.skipIf(!isSeedThere)(`the seed's configurations (${isSeedThere ? "found" : "not beside this clone"})`, () => {
  const classPath = "my_secret_manager.InMemorySecretManager";
  const both = { hostedKeys: ["OPENAI_API_KEY"], storeVirtualKeys: true, accessMode: "read_and_write" } as const;

  it("are four", () => {
    expect(seedConfigurations()).toHaveLength(4);
  });

  it.each<readonly [string, number, Partial<KeyManagementSettings>]>([
    ["quick start", 0, {}],
    ["read keys only", 1, { hostedKeys: ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"] }],
    [
      "store virtual keys",
      2,
      {
        accessMode: "write_only",
        storeVirtualKeys: true,
        description: "LiteLLM virtual key",
        tags: { Environment: "Production", Team: "AI" },
      },
    ],
    ["read and write", 3, both],
  ])("load as they stand: %s", (_title, index, settings) => {
    expectLoads(seedConfigurations()[index] ?? "", classPath, settings);
  });

  it("name in their table what the broker reads, with its defaults", () => {
    const rows = readFileSync(seedDocument, "utf8").matchAll(
      /^\| `(?<setting>\w+)` \|[^|]*\| (?<standard>[^|]+) \|$/gmu,
    );
    const table: unknown = Object.fromEntries(
      [...rows].map(({ groups }) => [groups?.["setting"], groups?.["standard"]]),
    );
    expect(table).toEqual({
      custom_secret_manager: "Required",
      access_mode: '`"read_only"`',
      hosted_keys: "All keys",
      store_virtual_keys: "`false`",
      prefix_for_stored_virtual_keys: '`"litellm/"`',
      description: "`None`",
      tags: "`None`",
    });
  });
});

describe("configurations in the seed's shape", () => {
  const classPath = "team_secrets.TeamSecretManager";
  const stored = { storeVirtualKeys: true, virtualKeyPrefix: "proxy/" } as const;

  it.each<readonly [string, Partial<KeyManagementSettings>]>([
    ["quick-start", {}],
    ["read-only", { hostedKeys: ["CHAT_API_KEY", "SEARCH_API_KEY"] }],
    [
      "write-only",
      {
        ...stored,
        accessMode: "write_only",
        description: "a virtual key",
        tags: { Stage: "live", Owner: "platform" },
      },
    ],
    ["read-and-write", { ...stored, accessMode: "read_and_write", hostedKeys: ["CHAT_API_KEY"] }],
  ])("load as they stand: %s", (name, settings) => {
    expectLoads(fixture(name), classPath, settings);
  });
});
