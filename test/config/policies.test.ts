import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../../src/config/config-error.js";
import { loadConfig } from "../../src/config/load-config.js";
import { actions } from "../../src/domain/action.js";
import { configOf, placesOf, problemsOf, withMemory } from "./config-text.js";

const rule = "principals: [p], actions: [read], names: [a]";

describe("secret_broker.policies", () => {
  it("is what it says, with defaults", () => {
    const text = withMemory(`  policies:
    - { ${rule} }
    - name: second
      effect: deny
      groups: [g, h]
      actions: ["*", administer]
      names: ["a/*/b*", "**"]
    - { groups: [g], actions: [read], names: [a], versions: [1, 2], fields: [user] }
`);
    const nothing = { principals: [], groups: [], versions: undefined, fields: undefined };
    expect(configOf(text).policies).toEqual([
      { ...nothing, name: "policies[0]", effect: "allow", principals: ["p"], actions: ["read"], names: ["a"] },
      {
        ...nothing,
        name: "second",
        effect: "deny",
        groups: ["g", "h"],
        actions: [...actions],
        names: ["a/*/b*", "**"],
      },
      {
        ...{ ...nothing, name: "policies[2]", effect: "allow", groups: ["g"], actions: ["read"], names: ["a"] },
        ...{ versions: [1, 2], fields: ["user"] },
      },
    ]);
  });

  it("lets every action but administer be meant by a star", () => {
    const [policy] =
      configOf(withMemory('  policies: [{ principals: [p], actions: ["*"], names: [a] }]\n')).policies ?? [];
    expect(policy?.actions.toSorted()).toEqual(actions.filter((action) => action !== "administer").toSorted());
  });

  it("denies everything when it is empty, and nothing when it is not there", () => {
    expect(configOf(withMemory("  policies: []\n")).policies).toEqual([]);
    expect(configOf(withMemory("")).policies).toBeUndefined();
  });

  it.each([
    ["[{}]", ["[0].actions", "[0].names"], /missing|needed|must/u],
    ["[{ actions: [read], names: [a] }]", ["[0]"], /whose calls/u],
    ["[{ principals: [p], actions: [peek], names: [a] }]", ["[0].actions[0]"], /"read"/u],
    ["[{ principals: [p], actions: [read], names: [a**] }]", ["[0].names[0]"], /\*\* only as a whole segment/u],
    ["[{ principals: ['**x'], actions: [read], names: [a] }]", ["[0].principals[0]"], /\*\* only as a whole segment/u],
    [`[{ ${rule}, effect: deny, fields: [f] }]`, ["[0].fields"], /denies the whole/u],
    [`[{ ${rule}, effect: deny, versions: active }]`, ["[0].versions"], /denies the whole/u],
    ["[{ principals: [p], actions: [read, watch], names: [a], fields: [f] }]", ["[0].fields"], /actions: \[read\]/u],
    ["[{ principals: [p], actions: [write], names: [a], versions: [1] }]", ["[0].versions"], /read and watch/u],
    [`[{ name: n, ${rule} }, { ${rule} }, { name: n, ${rule} }]`, ["[2].name"], /is the name of policies\[0\] too/u],
    [`[{ name: frozen, ${rule} }]`, ["[0].name"], /what the broker calls something itself; choose another/u],
    [`[{ name: "access_mode: read_only", ${rule} }]`, ["[0].name"], /choose another/u],
    [`[{ name: "policies[7]", ${rule} }]`, ["[0].name"], /choose another/u],
    [`[{ name: "a.yaml#policies[7]", ${rule} }]`, ["[0].name"], /choose another/u],
    [`[{ ${rule}, nmaes: [a] }]`, ["[0].nmaes"], /did you mean "names"/u],
    [`[{ ${rule}, versions: [0] }]`, ["[0].versions[0]"], /./u],
  ])("%s is refused where it is wrong", (policies, places, message) => {
    const problems = problemsOf(withMemory(`  policies: ${policies}\n`));
    expect(problems.map(({ path }) => path.replace("secret_broker.policies", ""))).toEqual(
      expect.arrayContaining(places.slice(0, problems.length)),
    );
    expect(problems[0]?.message).toMatch(message);
  });

  it("tells of every wrong rule at once", () => {
    const text = withMemory(`  policies:
    - { principals: [p], actions: [peek], names: [a] }
    - { actions: [read], names: [b**] }
  principals:
    - { principal: p }
    - { principal: p }
`);
    expect(placesOf(text)).toEqual([
      "4:36 secret_broker.policies[0].actions[0]",
      "5:34 secret_broker.policies[1].names[0]",
      "8:20 secret_broker.principals[1].principal",
    ]);
  });
});

describe("secret_broker.policy_files", () => {
  let folder: string;
  let config: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "secret-broker-policies-"));
    config = join(folder, "config.yaml");
    mkdirSync(join(folder, "grants.d"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const put = (name: string, text: string): void => {
    writeFileSync(join(folder, name), text);
  };

  it("adds the policies of files and directories in their order", async () => {
    put("config.yaml", withMemory(`  policies: [{ ${rule} }]\n  policy_files: [one.yaml, grants.d]\n`));
    put("one.yaml", `policies: [{ name: one, ${rule} }]\n`);
    put("grants.d/b.yml", `policies: [{ ${rule} }, { name: b, ${rule} }]\n`);
    put("grants.d/a.yaml", `policies: [{ name: a, ${rule} }]\n`);
    put("grants.d/empty.yaml", "# nothing yet\n");
    put("grants.d/README.md", "not a policy");
    put("grants.d/.hidden.yaml", "not: read");
    const { policies } = (await loadConfig(config)).config;
    expect(policies?.map(({ name }) => name)).toEqual(["policies[0]", "one", "a", "b.yml#policies[0]", "b"]);
  });

  it("denies everything when there are none in them", async () => {
    put("config.yaml", withMemory("  policy_files: [grants.d]\n"));
    expect((await loadConfig(config)).config.policies).toEqual([]);
  });

  const failureOf = async (): Promise<string[]> => {
    const error: unknown = await loadConfig(config).catch((thrown: unknown) => thrown);
    return error instanceof ConfigError ? error.message.replaceAll(`${folder}/`, "").split("\n") : [];
  };

  it("has each name for one rule, in whichever file", async () => {
    put("config.yaml", withMemory(`  policies: [{ name: own, ${rule} }]\n  policy_files: [one.yaml, grants.d]\n`));
    put("one.yaml", `policies:\n  - { ${rule} }\n  - { name: one, ${rule} }\n`);
    put(
      "grants.d/a.yaml",
      `policies:\n  - { name: one, ${rule} }\n  - { name: a, ${rule} }\n  - { name: a, ${rule} }\n`,
    );
    put("grants.d/b.yaml", `policies:\n  - { ${rule}, name: own }\n  - { name: one, ${rule} }\n`);
    const first = "grants.d/a.yaml:4:13: policies[2].name is the name of policies[1] too; give each rule its own";
    const others = [
      "grants.d/b.yaml:2:59: policies[0].name is the name of secret_broker.policies[0] in config.yaml too; give each rule its own",
      "grants.d/b.yaml:3:13: policies[1].name is the name of policies[1] in one.yaml too; give each rule its own",
    ];
    expect(await failureOf()).toEqual([first, ...others]);
    put("grants.d/a.yaml", `policies:\n  - { name: one, ${rule} }\n`);
    const second =
      "grants.d/a.yaml:2:13: policies[0].name is the name of policies[1] in one.yaml too; give each rule its own";
    expect(await failureOf()).toEqual([second, ...others]);
  });

  it("calls rules without a name by their files, which are read once", async () => {
    mkdirSync(join(folder, "more.d"));
    put("config.yaml", withMemory("  policy_files: [grants.d, grants.d/only.yaml, more.d]\n"));
    for (const name of ["grants.d/same.yaml", "more.d/same.yaml"]) put(name, `policies: [{ ${rule} }]\n`);
    put("grants.d/only.yaml", `policies: [{ ${rule} }, { name: only, ${rule} }]\n`);
    const { policies = [] } = (await loadConfig(config)).config;
    expect(policies.map(({ name }) => name.replace(`${folder}/`, ""))).toEqual([
      ...["only.yaml#policies[0]", "only", "grants.d/same.yaml#policies[0]", "more.d/same.yaml#policies[0]"],
    ]);
  });

  it("tells of every problem of every file, each in its place", async () => {
    put("config.yaml", withMemory("  policy_files: [gone.yaml, grants.d]\n"));
    put("grants.d/a.yaml", "policies:\n  - { actions: [read], names: [a] }\n");
    put("grants.d/b.yaml", "polcies: []\n");
    put("grants.d/c.yaml", "policies: [\n");
    const lines = await failureOf();
    expect(lines[0]).toMatch(/gone\.yaml: /u);
    expect(lines[1]).toMatch(/a\.yaml:2:5: policies\[0\] must say whose calls/u);
    expect(lines.slice(2).join("\n")).toMatch(/b\.yaml:1:1: polcies is unknown.*did you mean "policies".*c\.yaml:/su);
  });
});
