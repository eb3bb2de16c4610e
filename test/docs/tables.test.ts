import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AuditRecordFormat } from "../../src/audit/audit-record.js";
import { exitCodeByReason, exitCodes } from "../../src/cli/exit-codes.js";
import { actions } from "../../src/domain/action.js";
import { capabilities } from "../../src/domain/capability.js";
import { secretErrorReasons } from "../../src/domain/secret-error.js";
import { startBroker } from "../../src/testkit/start-broker.js";
import { importTableRows } from "./import-table.js";
import { guides, readBlocks, readDocument, readSection, readTable, root } from "./markdown.js";

const sources = globSync("src/**/*.ts", { cwd: root, exclude: (path) => path.startsWith("src/gen") })
  .map((path) => readFileSync(join(root, path), "utf8"))
  .join("\n");

/** The parts of a message that stand in the sources as they are. */
function fixedParts(message: string): readonly string[] {
  return message
    .split("…")
    .map((part) => part.trim())
    .filter((part) => part.length > 3);
}

describe("docs/architecture.md", () => {
  it("shows the import table of eslint.config.js", async () => {
    expect(readTable("docs/architecture.md", "Who may import whom")).toEqual(await importTableRows());
  });

  it("names files that are there", () => {
    const named = [...readDocument("docs/architecture.md").matchAll(/\b[a-z]+\/[a-z/-]+\.ts\b/gu)];
    const paths = named.map(([path]) => path.replace(/^src\//u, ""));
    expect(paths.length).toBeGreaterThan(20);
    expect(paths.filter((path) => !existsSync(join(root, "src", path)))).toEqual([]);
  });
});

describe("docs/managers.md", () => {
  const contract = readDocument("src/contract/secret-manager.ts");
  const body = contract.slice(contract.indexOf("export interface SecretManager {"));
  const members = [...body.matchAll(/^ {2}(?:readonly )?([a-zA-Z]+)\??[(:]/gmu)].map(([, name = ""]) => name);
  const [memberRows, callRows] = splitTables(readSection("docs/managers.md", "Every member"));

  it("has a row for every member of a manager", () => {
    expect(memberRows).toEqual(members);
  });

  it("has a row for every member of a call", () => {
    const call = readDocument("src/contract/manager-call.ts").matchAll(/^ {2}readonly ([a-zA-Z]+)\??:/gmu);
    expect(callRows).toEqual([...call].map(([, name = ""]) => name));
  });

  it("has a row for every capability", () => {
    expect(readTable("docs/managers.md", "Capabilities").map(([name]) => name)).toEqual(capabilities);
  });

  it("quotes the refusals of a class as they are", () => {
    const quoted = readTable("docs/managers.md", "How a class is found").map(([, message = ""]) => message);
    expect(quoted.length).toBeGreaterThan(10);
    expect(quoted.flatMap(fixedParts).filter((part) => !sources.includes(part))).toEqual([]);
  });

  it("names only reasons that there are", () => {
    const named = readSection("docs/managers.md", "How to throw").match(/\b[A-Z]+(?:_[A-Z]+)+\b/gu) ?? [];
    expect(named.filter((reason) => !(secretErrorReasons as readonly string[]).includes(reason))).toEqual([]);
  });

  it("gives the names of the reference that the loader knows", () => {
    const loader = readDocument("src/managers/module/validate-manager.ts");
    const pairs = [...loader.matchAll(/\["([a-z_]+)", "([a-zA-Z]+)"\]/gu)].filter(([, theirs = ""]) =>
      theirs.includes("_"),
    );
    const shown = readTable("docs/managers.md", "Coming from Python").map(([theirs, ours]) => [theirs, ours]);
    for (const [, theirs, ours] of pairs) expect(shown).toContainEqual([theirs, ours]);
  });
});

describe("docs/cli.md", () => {
  it("has every exit code with its reasons", () => {
    const rows = readTable("docs/cli.md", "Exit codes");
    expect(rows.map(([code]) => Number(code))).toEqual(Object.values(exitCodes));
    const shown = rows.flatMap(([code, , reasons = ""]) =>
      reasons === "" ? [] : reasons.split(", ").map((reason) => [reason, Number(code)]),
    );
    expect(Object.fromEntries(shown)).toEqual(exitCodeByReason);
  });
});

describe("docs/operations.md", () => {
  it("has a row for every metric of the broker", async () => {
    const broker = await startBroker({
      config: `
        general_settings: { key_management_settings: { access_mode: read_and_write } }
        secret_broker:
          manager: { kind: memory }
          admin: { listen: "127.0.0.1:0" }
          audit: { sink: file, path: audit.jsonl }
          log: { level: error }
          metrics: { secret_names: true }`,
    });
    try {
      const answer = await fetch(`http://${broker.adminAddress ?? ""}/metrics`);
      const served = [...(await answer.text()).matchAll(/^# TYPE (secret_broker_\w+) (\w+)$/gmu)];
      const rows = readTable("docs/operations.md", "Metrics").map(([name, type]) => [name, type]);
      expect(rows.sort()).toEqual(served.map(([, name, type]) => [name, type]).sort());
    } finally {
      await broker.stop();
    }
  });

  it("has a row for every field of an audit record, and every action that is recorded", () => {
    const caller = { principal: "local", groups: ["g"], provenBy: "none", peer: "unix" } as const;
    const record = { phase: "outcome", requestId: "1", caller, action: "read", allowed: true, rule: "r" } as const;
    const line = new AuditRecordFormat().format(
      {
        ...{ ...record, name: "N", asked: { version: 1, field: "f" }, outcome: "ok", version: 1, uid: "u" },
        ...{ payloadHash: "h", optionKeys: ["o"], cause: "c", leftOut: 1, latencyMs: 1 },
      },
      "2026-01-31",
    );
    const fields = Object.keys(JSON.parse(line) as object);
    const rows = readTable("docs/operations.md", "Audit records");
    expect(rows.map(([field]) => field)).toEqual(fields);
    const [, shown = ""] = rows.find(([field]) => field === "action") ?? [];
    expect(shown.split(/, | or /u).sort()).toEqual([...actions].sort());
  });

  it("quotes lines of the log as they are", () => {
    const quoted = readTable("docs/operations.md", "The log").map(([message = ""]) => message);
    expect(quoted.filter((message) => !sources.includes(message))).toEqual([]);
  });
});

it("every block is in a language that is proved", () => {
  const known = ["sh", "bash", "ts", "ruby", "cpp", "python", "yaml", "json", "text"];
  const blocks = guides.flatMap(readBlocks);
  expect(blocks.filter(({ language }) => !known.includes(language)).map(({ place }) => place)).toEqual([]);
});

it("every page of docs/decisions stands in its index", () => {
  const pages = globSync("docs/decisions/0*.md", { cwd: root }).sort();
  const index = readTable("docs/decisions/README.md", "Decisions");
  const titles = pages.map((page) => /^# (\d{4}): (.+)$/mu.exec(readDocument(page))?.slice(1) ?? []);
  const shown = index.map(([number = "", title = ""]) => [/\d{4}/u.exec(number)?.[0], title]);
  expect(shown).toEqual(titles.map(([number = "", title = ""]) => [number, title.replaceAll("`", "")]));
});

/** The first cells of each table of a section. */
function splitTables(section: string): readonly (readonly string[])[] {
  return section
    .split(/\n(?!\|)/u)
    .map((part) => part.split("\n").filter((line) => line.startsWith("|")))
    .filter((lines) => lines.length > 2)
    .map((lines) => lines.slice(2).map((line) => /^\| `([^`]+)`/u.exec(line)?.[1] ?? ""));
}
