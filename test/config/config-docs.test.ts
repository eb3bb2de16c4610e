import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { configDocs } from "../../scripts/config-docs.ts";
import { settingPaths } from "../../scripts/config-page.ts";
import { reloadRules } from "../../src/config/compare-configs.js";
import { createBrokerSchema } from "../../src/config/broker-schema.js";
import { configJsonSchema } from "../../src/config/config-json-schema.js";
import { keyManagementKeys } from "../../src/config/key-management-schema.js";
import { mappingKeys } from "../../src/config/mapping-keys.js";
import { parseConfig } from "../../src/config/parse-config.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const isMapping = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Every key of plain data by its path, those of a list's items once; what stands under tags or options are not settings. */
function pathsOf(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((item) => pathsOf(item, path)))];
  if (!isMapping(value) || /\.(?:tags|options|required_claims)$/u.test(path)) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    const inner = path === "" ? key : `${path}.${key}`;
    return [inner, ...pathsOf(member, inner)];
  });
}

const known = settingPaths(configJsonSchema());

describe("the documentation of the configuration", () => {
  it.each(["docs/config.schema.json", "docs/configuration.md"])("%s is what the sources give", async (file) => {
    const current = await configDocs({ schema: configJsonSchema(), reloadRules, parseConfig }, root);
    expect(read(file), "run `npm run docs`").toBe(current.get(file));
  });

  it("has a row with a meaning for every setting", () => {
    const rows = [...read("docs/configuration.md").matchAll(/^\| `(?<key>\w+)` .* \| (?<meaning>[^|]+) \|$/gmu)];
    const explained = new Set(rows.map(({ groups }) => groups?.["key"]));
    for (const path of known) {
      const key = path.split(".").at(-1);
      const hasTable = known.some((other) => other.startsWith(`${path}.`));
      if (!hasTable) expect(explained, path).toContain(key);
    }
    expect(rows.filter(({ groups }) => groups?.["meaning"]?.trim() === "")).toEqual([]);
  });

  it("ends with an example that loads without a warning and has every setting", () => {
    const [, example = ""] = /^```yaml\n(.*?)^```$/msu.exec(read("docs/configuration.md")) ?? [];
    expect(parseConfig({ text: example, file: "/etc/broker/config.yaml" }).warnings).toEqual([]);
    // These belong to other kinds of manager than the example's.
    const left = known.filter((path) => !pathsOf(parse(example)).includes(path));
    expect(left).toEqual(
      [
        "manager.class",
        "manager.prefix",
        ...["url_environment", "url_file", "schema", "max_connections", "statement_timeout"].map(
          (key) => `manager.${key}`,
        ),
        ...["command", "environment", "instances", "start_timeout", "address", "tls", "tls.ca", "tls.certificate"].map(
          (key) => `manager.${key}`,
        ),
        "manager.tls.key",
        "manager.token_file",
        "encryption.variable",
        "encryption.socket",
        ...["python", "python.interpreter", "python.environment"],
        // In the place of one sink.
        "audit.sinks",
        ...["kind", "required", "deadline", "path", "rotate_size", "isolated"].map((key) => `audit.sinks.${key}`),
        ...["address", "url_environment", "url_file", "schema", "trail"].map((key) => `audit.sinks.${key}`),
        // Only beside the manager of a sidecar.
        ...["cache.snapshot", "cache.snapshot.path"],
        "authentication.jwt.jwks_file",
        "authentication.jwt.discovery_url",
      ].map((key) => `secret_broker.${key}`),
    );
  });
});

describe("the JSON Schema", () => {
  it("has every key that the reader knows", () => {
    const own = [...mappingKeys(createBrokerSchema("/"))].flatMap(([section, keys]) =>
      keys.map((key) => ["secret_broker", section.replace(".*", ""), key].filter((part) => part !== "").join(".")),
    );
    const seed = keyManagementKeys.map((key) => `general_settings.key_management_settings.${key}`);
    expect(known).toEqual(expect.arrayContaining([...own, ...seed, "general_settings.key_management_system"]));
    expect(known).toHaveLength(new Set(own).size + seed.length + 4);
  });

  it.each(["quick-start", "read-only", "write-only", "read-and-write", "complete"])(
    "knows every setting of the fixture %s that is not LiteLLM's own",
    (name) => {
      const settings = pathsOf(parse(read(`test/fixtures/config/${name}.yaml`)));
      const ours = settings.filter((path) => /^secret_broker|^general_settings\.key_management/u.test(path));
      expect(ours.filter((path) => !path.includes(".tags.") && !known.includes(path))).toEqual([]);
    },
  );

  it("lets LiteLLM's own keys through, and in our section no other", () => {
    const schema = configJsonSchema();
    expect(schema).toMatchObject({
      additionalProperties: {},
      properties: {
        general_settings: {
          additionalProperties: {},
          properties: { key_management_settings: { additionalProperties: {} } },
        },
        secret_broker: { additionalProperties: false, properties: { limits: { additionalProperties: false } } },
      },
    });
  });

  it("lets a setting be left empty, as the reader does", () => {
    expect(configJsonSchema()).toMatchObject({
      properties: {
        general_settings: {
          properties: { key_management_settings: { properties: { access_mode: { type: ["string", "null"] } } } },
        },
        secret_broker: {
          properties: { limits: { properties: { max_payload: { type: ["string", "number", "null"] } } } },
        },
      },
    });
  });
});
