import js from "@eslint/js";
import jsdoc from "eslint-plugin-jsdoc";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";
import { importTableRule } from "./scripts/import-table-rule.mjs";

// The import table: what each folder of src/ may import besides its own files, always downwards.
// A folder without a row is an error, and so is anything a row does not name.
//   folders   of src/, "managers/*" being each manager     types     only by "import type"
//   packages  from npm                                     node      Node's own modules, unless false
//   process   the environment, arguments and exit
const importTable = {
  domain: { node: false },
  config: { folders: ["domain"], packages: ["js-yaml", "yaml", "zod"] },
  log: { folders: ["domain"], packages: ["pino"] },
  contract: { folders: ["domain"] },
  // What every durable store does, over a database; the managers bring the database.
  store: { folders: ["domain", "contract"], types: ["encryption"] },
  encryption: { folders: ["domain", "gen", "rpc"], packages: ["@grpc/grpc-js"] },
  policy: { folders: ["domain"], types: ["log"] },
  audit: { folders: ["domain"], types: ["log"] },
  telemetry: { folders: ["domain"], packages: ["prom-client", "@opentelemetry/api"] },
  identity: { folders: ["domain"], types: ["config"], packages: ["jose"] },
  // Never another manager: a composition takes managers as arguments.
  "managers/*": { folders: ["domain", "contract"], types: ["config"] },
  "managers/sqlite": { folders: ["domain", "contract", "store"], types: ["config"] },
  "managers/postgres": { folders: ["domain", "contract", "store"], types: ["config"], packages: ["postgres"] },
  "managers/remote": {
    folders: ["domain", "contract", "gen", "rpc"],
    types: ["config"],
    packages: ["@grpc/grpc-js"],
  },
  "managers/upstream": {
    folders: ["domain", "contract", "gen", "rpc", "client"],
    types: ["config"],
    packages: ["@grpc/grpc-js"],
  },
  broker: {
    folders: ["domain", "contract", "policy", "audit", "log", "telemetry"],
    packages: ["lru-cache", "cockatiel"],
  },
  rpc: { folders: ["domain", "gen"], packages: ["@grpc/grpc-js", "@bufbuild/protobuf"] },
  server: {
    folders: ["domain", "broker", "identity", "rpc", "gen", "log", "telemetry"],
    packages: ["@grpc/grpc-js", "@bufbuild/protobuf"],
  },
  dialects: {
    folders: ["domain", "broker", "identity", "rpc", "gen", "log", "telemetry"],
    packages: ["@grpc/grpc-js"],
  },
  // Serves any manager to brokers; the wire's other end is in managers/remote.
  "manager-host": {
    folders: ["domain", "contract", "gen", "rpc", "server", "managers/remote"],
    packages: ["@grpc/grpc-js"],
  },
  client: { folders: ["domain", "rpc", "gen"], packages: ["@grpc/grpc-js"] },
  app: { folders: ["*"], except: ["cli", "testkit", "main"], packages: ["*"], process: true },
  cli: { folders: ["app", "client", "config", "domain", "testkit"], packages: ["commander", "yaml"], process: true },
  main: { folders: ["cli"], process: true },
  testkit: { folders: ["*"], except: ["cli", "main"], packages: ["*"] },
};

const mayReachProcess = Object.entries(importTable).flatMap(([folder, { process }]) =>
  process === true ? [`src/${folder}/**`, `src/${folder}.ts`] : [],
);

const processProperties = ["env", "argv", "argv0", "execArgv", "exit", "exitCode", "abort", "kill"].map((property) => ({
  object: "process",
  property,
  message: "only src/app, src/cli and src/main.ts reach for the process; take it as an argument",
}));

const noDefaultExport = {
  direct: true,
  named: true,
  defaultFrom: true,
  namedFrom: true,
  namespaceFrom: true,
};

const exportedDeclarations = [
  "ClassDeclaration",
  "FunctionDeclaration",
  "TSDeclareFunction",
  "TSInterfaceDeclaration",
  "TSTypeAliasDeclaration",
  "ExportNamedDeclaration > VariableDeclaration",
];

export default defineConfig(
  globalIgnores(["dist/", ".cache/", "coverage/", "src/gen/", "bench/results/", "clients/"]),
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    name: "everywhere",
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      complexity: ["error", 10],
      eqeqeq: "error",
      "max-lines": ["error", 300],
      "max-lines-per-function": ["error", 50],
      "max-params": ["error", 3],
      "no-restricted-exports": ["error", { restrictDefaultExports: noDefaultExport }],
      "object-shorthand": "error",
      // `() => log.info(…)` is how a callback that only acts is written.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // A contract says by `Promise<WriteReply | void>` that a user's method may answer with nothing.
      "@typescript-eslint/no-invalid-void-type": "off",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    name: "sources",
    files: ["src/**/*.ts"],
    plugins: { jsdoc, "secret-broker": { rules: { "import-table": importTableRule } } },
    settings: { jsdoc: { mode: "typescript" } },
    rules: {
      "no-console": "error",
      "secret-broker/import-table": ["error", importTable],
      "jsdoc/require-jsdoc": [
        "error",
        {
          publicOnly: { esm: true },
          require: { FunctionDeclaration: false },
          contexts: exportedDeclarations,
          enableFixer: false,
        },
      ],
      "jsdoc/require-description": ["error", { contexts: exportedDeclarations }],
      "jsdoc/check-tag-names": ["error", { typed: true, definedTags: ["packageDocumentation", "remarks"] }],
      // Parameters that speak for themselves need no line; those that have one must exist.
      "jsdoc/check-param-names": ["error", { checkDestructured: false, disableMissingParamChecks: true }],
      "jsdoc/no-types": "error",
    },
  },
  {
    name: "sources that may not reach for the process",
    files: ["src/**/*.ts"],
    ignores: mayReachProcess,
    rules: { "no-restricted-properties": ["error", ...processProperties] },
  },
  { name: "what people read in a terminal", files: ["src/cli/**/*.ts"], rules: { "no-console": "off" } },
  {
    name: "tests",
    files: ["test/**/*.ts"],
    rules: {
      "max-lines": ["error", 400],
      // A describe block is a function only by its syntax.
      "max-lines-per-function": "off",
      // A test asks whether a method is there; it does not call it loose.
      "@typescript-eslint/unbound-method": "off",
    },
  },
  {
    name: "files whose tool wants a default export",
    files: ["*.config.{js,ts}", "test/setup/**"],
    rules: { "no-restricted-exports": "off" },
  },
  {
    name: "scripts in JavaScript",
    files: ["**/*.{js,mjs}"],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { Buffer: "readonly", console: "readonly", performance: "readonly", URL: "readonly" } },
  },
);
