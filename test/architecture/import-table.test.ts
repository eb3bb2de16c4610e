import { fileURLToPath } from "node:url";
import { ESLint } from "eslint";
import tseslint from "typescript-eslint";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

const rules = [
  "secret-broker/import-table",
  "no-console",
  "no-restricted-exports",
  "no-restricted-properties",
  "jsdoc/require-jsdoc",
];

// Without types: the snippets are in no file, so no TypeScript program knows them.
const eslint = new ESLint({
  cwd: root,
  overrideConfig: [{ files: ["**/*.ts"], ...tseslint.configs.disableTypeChecked }],
  ruleFilter: ({ ruleId }) => rules.includes(ruleId),
});

/** What the rules above say of the code, were it in that file. */
async function lint(file: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(`${code}\n`, { filePath: `${root}${file}` });
  return (result?.messages ?? []).map(({ ruleId, message }) => `${ruleId ?? "parser"}: ${message}`);
}

const from = (specifier: string): string => `import { x } from "${specifier}"; void x;`;
const typeFrom = (specifier: string): string => `import type { X } from "${specifier}"; let x: X;`;

describe("the import table lets through", () => {
  it.each([
    ["src/domain/a.ts", from("./secret-name.js")],
    ["src/config/a.ts", from("yaml")],
    ["src/config/a.ts", from("node:fs/promises")],
    ["src/config/sections/a.ts", from("../../domain/secret.js")],
    ["src/contract/a.ts", from("../domain/payload.js")],
    ["src/policy/a.ts", typeFrom("../log/log.js")],
    ["src/managers/memory/a.ts", from("../../contract/secret-manager.js")],
    ["src/managers/memory/parts/a.ts", from("../memory-version.js")],
    ["src/managers/memory/a.ts", typeFrom("../../config/config.js")],
    ["src/managers/remote/a.ts", from("@grpc/grpc-js")],
    ["src/broker/a.ts", from("../telemetry/tracing.js")],
    ["src/server/handlers/a.ts", from("../../broker/broker.js")],
    ["src/server/handlers/a.ts", from("../rpc.js")],
    ["src/rpc/a.ts", from("@bufbuild/protobuf/wire")],
    ["src/app/a.ts", from("../managers/memory/memory-secret-manager.js")],
    ["src/app/a.ts", from("node:process")],
    ["src/cli/a.ts", from("commander")],
    ["src/main.ts", from("./cli/run.js")],
    ["src/testkit/a.ts", from("../app/start.js")],
  ])("%s: %s", async (file, code) => {
    expect(await lint(file, code)).toEqual([]);
  });
});

describe("the import table refuses", () => {
  it.each([
    ["src/domain/a.ts", from("../log/log.js"), "src/domain may not import src/log"],
    ["src/domain/a.ts", from("node:crypto"), "src/domain may not import Node's modules"],
    ["src/domain/a.ts", from("pino"), 'src/domain may not import "pino"'],
    ["src/contract/a.ts", typeFrom("../config/config.js"), "src/contract may not import src/config"],
    ["src/policy/a.ts", from("../log/create-log.js"), 'only types of src/log, by "import type"'],
    ["src/policy/a.ts", 'import { type X } from "../log/log.js"; let x: X;', "only types of src/log"],
    ["src/managers/memory/a.ts", from("../environment/names.js"), "may not import src/managers/environment"],
    ["src/managers/memory/a.ts", from("../../broker/broker.js"), "src/managers/memory may not import src/broker"],
    ["src/managers/memory/a.ts", from("@grpc/grpc-js"), 'may not import "@grpc/grpc-js"'],
    ["src/managers/memory/a.ts", from("../../contract/index.js"), "a package door is for users"],
    ["src/broker/a.ts", from("../rpc/status-by-reason.js"), "src/broker may not import src/rpc"],
    ["src/broker/a.ts", 'await import("../server/server.js");', "src/broker may not import src/server"],
    ["src/broker/a.ts", 'export * from "../managers/memory/a.js";', "may not import src/managers/memory"],
    ["src/broker/a.ts", 'let x: import("../app/start.js").X;', "src/broker may not import src/app"],
    ["src/broker/a.ts", from("fs"), 'write "node:fs"'],
    ["src/broker/a.ts", from("node:process"), "src/broker may not reach for the process"],
    ["src/server/handlers/a.ts", from("../../contract/secret-manager.js"), "src/server may not import src/contract"],
    ["src/client/a.ts", from("../broker/broker.js"), "src/client may not import src/broker"],
    ["src/app/a.ts", from("../cli/run.js"), "src/app may not import src/cli"],
    ["src/app/a.ts", from("../testkit/law.js"), "src/app may not import src/testkit"],
    ["src/app/a.ts", from("secret-broker/contract"), "may not import the package's own doors"],
    ["src/app/a.ts", from("#built/main.js"), "may not import the package's own doors"],
    ["src/app/a.ts", from("../../test/x.js"), "src may not import what is outside src"],
    ["src/cli/a.ts", from("../server/server.js"), "src/cli may not import src/server"],
    ["src/testkit/a.ts", from("../cli/run.js"), "src/testkit may not import src/cli"],
    ["src/main.ts", from("./app/start.js"), "src/main may not import src/app"],
    ["src/newfolder/a.ts", "", "src/newfolder has no row in the import table"],
  ])("%s: %s", async (file, code, message) => {
    expect(await lint(file, code)).toEqual([expect.stringContaining(message)]);
  });
});

describe("the process", () => {
  const uses = ["void process.env.X;", "process.exit(1);", "const { argv } = process;\nvoid argv;"];

  it.each(uses)("is out of reach of most folders: %s", async (code) => {
    expect(await lint("src/broker/a.ts", code)).toEqual([expect.stringContaining("take it as an argument")]);
  });

  it.each(["src/app/a.ts", "src/cli/a.ts", "src/main.ts"])("is %s's to reach for", async (file) => {
    expect(await lint(file, uses.join("\n"))).toEqual([]);
  });
});

describe("sources", () => {
  it("print only in the command line", async () => {
    expect(await lint("src/app/a.ts", "console.log(1);")).toEqual([expect.stringContaining("no-console")]);
    expect(await lint("src/cli/a.ts", "console.log(1);")).toEqual([]);
  });

  it("export by name, with a description", async () => {
    expect(await lint("src/app/a.ts", "/** A number. */\nexport default 1;")).toEqual([
      expect.stringContaining("no-restricted-exports"),
    ]);
    expect(await lint("src/app/a.ts", "export const a: number = 1;")).toEqual([
      expect.stringContaining("jsdoc/require-jsdoc"),
    ]);
    expect(await lint("src/app/a.ts", "/** A number. */\nexport const a: number = 1;")).toEqual([]);
  });
});
