import { describe, expect, it } from "vitest";
import { reloadedConfig, reloadRules, settingsNeedingRestart } from "../../src/config/compare-configs.js";
import type { Config } from "../../src/config/config.js";
import { configOf, withMemory } from "./config-text.js";

/** Two configurations that differ in every setting. */
const old = configOf(`general_settings:
  key_management_settings:
    access_mode: read_only
    hosted_keys: [A]
    prefix_for_stored_virtual_keys: a
    description: a
    tags: { a: a }
${withMemory("  audit: { sink: stdout }\n")}`);
const next: Config = configOf(`general_settings:
  key_management_settings:
    access_mode: read_and_write
    hosted_keys: [B]
    store_virtual_keys: true
    prefix_for_stored_virtual_keys: b
    description: b
    tags: { b: b }
secret_broker:
  manager: { kind: upstream, address: unix:c.sock }
  listen: unix:b.sock
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: trace }
  limits: { max_payload: 2MiB, max_metadata: 32KiB, max_concurrent_streams: 7, batch_concurrency: 7, max_batch_payload: 7MiB, max_concurrent_calls: 7, max_watches: 7, max_connections: 7, requests_per_second: 7, per_principal: { burst: 7, requests_per_second: 7 } }
  timeouts: { default_deadline: 7s, drain: 7s, health_interval: 7s, watch_heartbeat: 7s, watch_poll: 7s }
  cache: { ttl: 7s, refresh_ahead: 1s, stale_while_revalidate: 7s, max_stale: 7m, negative_ttl: 7s, max_bytes: 7MiB, jitter: 0.2, prefetch: [A], snapshot: { path: s } }
  breaker: { failures: 7 }
  metrics: { secret_names: true }
  freezes: { path: freezes.json }
  policies: [{ principals: [local], actions: [read], names: [a] }]
  policy_files: [grants.yaml]
  principals: [{ principal: p }]
  authentication: { tokens: { file: tokens.yaml } }
`);

/** Groups are decided on setting by setting; everything else is one setting, however it is made. */
const groups = ["keyManagement", "limits", "timeouts", "cache"];

interface Leaf {
  readonly path: readonly string[];
  readonly value: unknown;
}

function leavesOf(value: object, above: readonly string[] = []): Leaf[] {
  return Object.entries(value).flatMap(([key, member]: [string, unknown]) =>
    above.length === 0 && groups.includes(key) && typeof member === "object" && member !== null
      ? leavesOf(member, [key])
      : [{ path: [...above, key], value: member }],
  );
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (found, key) =>
      typeof found === "object" && found !== null
        ? Object.entries(found).find(([name]) => name === key)?.[1]
        : undefined,
    value,
  );
}

/** The old configuration with one setting of the next. */
function withLeaf(path: readonly string[]): Config {
  const [group = "", setting] = path;
  if (setting === undefined) return { ...old, [group]: at(next, [group]) };
  const members = leavesOf(old).filter((leaf) => leaf.path[0] === group);
  const entries = members.map(({ path: [, key = ""], value }) => [key, key === setting ? at(next, path) : value]);
  return { ...old, [group]: Object.fromEntries(entries) as unknown };
}

const leaves = leavesOf(old).filter(({ path }) => path[0] !== "file");

describe("every setting of a configuration", () => {
  it("is in both of the samples, with different values", () => {
    expect(leavesOf(next).map(({ path }) => path)).toEqual(leavesOf(old).map(({ path }) => path));
    for (const { path } of leaves) expect(at(next, path), path.join(".")).not.toEqual(at(old, path));
  });

  it("has one rule, and there is no rule without a setting", () => {
    const rules = leavesOf(reloadRules)
      .map(({ path }) => path.join("."))
      .sort();
    expect(rules).toEqual(leaves.map(({ path }) => path.join(".")).sort());
  });

  it.each(leaves.map(({ path }) => [path.join("."), path] as const))(
    "%s takes effect when its rule says",
    (_name, path) => {
      const changed = withLeaf(path);
      const setting = at(reloadRules, [...path, "setting"]);
      const needsRestart = at(reloadRules, [...path, "needsRestart"]) === true;
      expect(settingsNeedingRestart(old, changed)).toEqual(needsRestart ? [setting] : []);
      expect(reloadedConfig(old, changed)).toEqual(needsRestart ? old : changed);
    },
  );
});

describe("a reload", () => {
  it("without a change needs nothing", () => {
    expect(settingsNeedingRestart(old, old)).toEqual([]);
    expect(reloadedConfig(old, old)).toEqual(old);
  });

  it("says all that needs a restart, and says it again until there is one", () => {
    const needed = settingsNeedingRestart(old, next);
    expect(needed).toHaveLength(11);
    expect(settingsNeedingRestart(reloadedConfig(old, next), next)).toEqual(needed);
  });

  it("needs no restart once what is fixed is as it was", () => {
    expect(settingsNeedingRestart(reloadedConfig(old, next), old)).toEqual([]);
  });
});
