import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, type RunResult } from "./run-in-process.js";

const config = `
general_settings: { key_management_settings: { access_mode: read_and_write, hosted_keys: [a/A, a/B, b/A] } }
secret_broker:
  manager: { kind: memory }
  policies:
    - { name: a, principals: [app], actions: [read, write], names: ["a/*"] }
    - { name: fields, groups: [g], actions: [read], names: ["b/*"], fields: [user] }
    - { name: no, effect: deny, principals: ["**"], actions: ["*"], names: [a/B] }
    - { name: some, principals: [half, closed], actions: [list, administer], names: ["a/*"] }
    - { name: all, principals: [whole], actions: [administer], names: ["**"] }
    - { name: none, effect: deny, principals: [closed], actions: [list], names: ["**"] }
  principals: [{ principal: member, groups: [g] }]
`;

let folder: string;
const path = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "secret-broker-policy-"));
  writeFileSync(path("config.yaml"), config);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("policy check", () => {
  const check = (...argv: string[]): Promise<RunResult> =>
    run(["policy", "check", "--config", path("config.yaml"), ...argv]);

  it.each([
    [["a/A", "--as", "app", "--action", "read"], 0, "allowed by a\n"],
    [
      ["a/B", "--as", "app", "--action", "read"],
      4,
      'denied by no\nnearest: a would allow it, but "no" goes before it\n',
    ],
    [["a/A", "--as", "app", "--action", "delete"], 4, "denied by default deny\nnearest: a is for another action\n"],
    [
      ["a/C", "--as", "app", "--action", "read"],
      4,
      'denied by hosted_keys\nnearest: a would allow it, but "hosted_keys" goes before it\n',
    ],
    [["b/A", "--as", "member", "--action", "read", "--field", "user"], 0, "allowed by fields\n"],
    [["b/A", "--as", "x", "--group", "g", "--action", "read", "--field", "user"], 0, "allowed by fields\n"],
    [
      ["b/A", "--as", "member", "--action", "read"],
      4,
      "denied by default deny\nnearest: fields is for other versions or fields\n",
    ],
    [
      ["z", "--as", "nobody", "--action", "administer"],
      4,
      "denied by default deny\nnearest: all is for another principal\n",
    ],
    [["--as", "half", "--action", "list"], 0, "allowed by some\n"],
    [["--as", "half", "--action", "administer"], 4, "denied by default deny\nnearest: some is for some names only\n"],
    [["--as", "whole", "--action", "administer"], 0, "allowed by all\n"],
    [
      ["--as", "closed", "--action", "list"],
      4,
      'denied by none\nnearest: some would allow it, but "none" goes before it\n',
    ],
  ])("%j ends with %i", async (argv, code, stdout) => {
    expect(await check(...argv)).toMatchObject({ code, stdout });
  });

  it("prints JSON when asked to", async () => {
    const { stdout } = await check("a/A", "--as", "app", "--action", "delete", "--json");
    expect(JSON.parse(stdout)).toEqual({
      ...{ allowed: false, rule: "default deny", reason: "POLICY_DENIED" },
      nearest: { rule: "a", why: "is for another action" },
    });
  });

  it.each([
    [["../x", "--as", "p", "--action", "read"], /the name/u],
    [["x", "--as", "p", "--action", "peek"], /--action must be one of read/u],
    [["--as", "p", "--action", "read"], /the name is missing; only list, watch, administer/u],
  ])("%j is wrong usage", async (argv, message) => {
    expect(await check(...argv)).toMatchObject({ code: 2, stderr: expect.stringMatching(message) as unknown });
  });
});

describe("policy test", () => {
  const test = (text: string): Promise<RunResult> => {
    writeFileSync(path("cases.yaml"), text);
    return run(["policy", "test", path("cases.yaml"), "--config", path("config.yaml")]);
  };

  it("tells which cases are decided another way", async () => {
    const result = await test(`cases:
  - { as: app, action: read, name: a/A, expect: allow, rule: a }
  - { as: app, action: read, name: a/B, expect: allow }
  - { as: x, groups: [g], action: read, name: b/A, field: user, expect: allow }
  - { as: app, action: read, name: a/A, expect: allow, rule: another }
`);
    expect(result.code).toBe(1);
    expect(result.stdout.replaceAll(`${folder}/`, "").split("\n")).toEqual([
      "cases.yaml: cases[1] app read a/B: expected allow, got deny by no",
      "cases.yaml: cases[3] app read a/A: expected allow by another, got allow by a",
      "2 passed, 2 failed",
      "",
    ]);
  });

  it("decides what has no name", async () => {
    const result = await test(`cases:
  - { as: half, action: administer, expect: allow }
  - { as: closed, action: list, expect: deny, rule: none }
`);
    expect(result.stdout).toMatch(
      /cases\[0\] half administer: expected allow, got deny by default deny\n1 passed, 1 failed/u,
    );
    const wrong = await test("cases: [{ as: half, action: read, expect: allow }]\n");
    expect(wrong.stderr).toMatch(/cases\[0\]\.name is missing; only list, watch, administer/u);
  });

  it("passes when all are decided as they say", async () => {
    expect(await test("cases: [{ as: app, action: read, name: a/A, expect: allow }]\n")).toMatchObject({
      ...{ code: 0, stdout: "1 passed, 0 failed\n" },
    });
  });

  it("refuses a file of cases with what is wrong where", async () => {
    const { code, stderr } = await test("cases:\n  - { as: app, action: raed, name: ../x, expect: maybe, fied: x }\n");
    expect(code).toBe(1);
    for (const place of ["2:24", "2:36", "2:50", "2:57"]) expect(stderr).toContain(`cases.yaml:${place}`);
  });
});

describe("policy replay", () => {
  const record = (more: object): string =>
    JSON.stringify({
      phase: "outcome",
      principal: "app",
      action: "read",
      name: "a/A",
      decision: "allow",
      rule: "a",
      ...more,
    });

  it("shows which calls of the past would be decided another way", async () => {
    const lines = [
      record({}),
      record({ future: "member" }),
      record({ name: "a/B", decision: "allow", rule: "old" }),
      record({ name: "a/B", decision: "allow", rule: "old" }),
      record({ principal: "member", name: "b/A", asked_field: "user", decision: "deny", rule: "default deny" }),
      record({ name: "a/A", decision: "deny", rule: "frozen" }),
      record({ phase: "attempt", action: "write" }),
      record({ action: "list", name: undefined, decision: "deny", rule: "default deny" }),
      "",
      '{"batch":1}',
      "torn li",
    ];
    writeFileSync(path("audit.jsonl"), `${lines.join("\n")}\n`);
    const argv = ["policy", "replay", "--candidate", path("config.yaml"), "--audit", path("audit.jsonl")];
    const { code, stdout } = await run([...argv, "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      calls: 6,
      skipped: 3,
      changes: [
        { principal: "app", action: "read", name: "a/B", before: "allow", after: "deny", rule: "no", calls: 2 },
        { principal: "member", action: "read", name: "b/A", before: "deny", after: "allow", rule: "fields", calls: 1 },
      ],
    });
    const shown = await run(argv);
    expect(shown.stdout).toMatch(/app +read +a\/B +allow to deny +no +2\n/u);
    expect(shown.stdout).toContain("3 of 6 calls would be decided another way\n");
  });

  it("decides a rotation to a new name as one call", async () => {
    const rotation = {
      action: "rotate",
      request_id: "r",
      decision: "deny",
      rule: "default deny",
      outcome: "POLICY_DENIED",
    };
    const pair = (one: string, other: string, more: object = {}): string[] => [
      ...[record({ ...rotation, name: one, ...more }), '{"audit":"batch"}'],
      ...[record({ ...rotation, name: other, phase: "attempt" }), record({ ...rotation, name: other, ...more })],
    ];
    const lines = [
      // Either name of each may be rotated, and not both.
      ...[...pair("a/A", "b/A"), ...pair("b/A", "a/A")],
      ...pair("a/A", "b/A", { decision: "allow", outcome: "ok" }),
      // One that would be allowed now.
      ...pair("a/A", "a/C"),
      // Alone, or of two calls.
      record({ ...rotation, name: "a/A" }),
      record({ ...rotation, name: "a/A", outcome: "ok", decision: "allow" }),
      ...[record({ ...rotation, name: "b/A" }), record({ ...rotation, name: "b/A" })],
      ...[record({ ...rotation, request_id: "s", name: "a/A" }), record({ ...rotation, request_id: "t", name: "b/A" })],
    ];
    const candidate = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: memory }
  policies: [{ name: a, principals: [app], actions: [rotate], names: ["a/*"] }]
`;
    writeFileSync(path("candidate.yaml"), candidate);
    writeFileSync(path("audit.jsonl"), lines.join("\n"));
    const argv = ["policy", "replay", "--candidate", path("candidate.yaml"), "--audit", path("audit.jsonl"), "--json"];
    const change = { principal: "app", action: "rotate", before: "deny", after: "allow", rule: "a" };
    expect(JSON.parse((await run(argv)).stdout)).toEqual({
      ...{ calls: 10, skipped: 0 },
      changes: [
        { ...change, name: "b/A", before: "allow", after: "deny", rule: "default deny", calls: 1 },
        { ...change, name: "a/C", calls: 1 },
        { ...change, name: "a/A", calls: 2 },
      ],
    });
  });

  it("ends with 0 when nothing would change", async () => {
    writeFileSync(path("audit.jsonl"), `${record({})}\n`);
    const argv = ["policy", "replay", "--candidate", path("config.yaml"), "--audit", path("audit.jsonl")];
    expect(await run(argv)).toMatchObject({ code: 0, stdout: "0 of 1 calls would be decided another way\n" });
  });
});
