// Answers as Prisma's query engine does over HTTP, started and asked as the Python client of Prisma does it.
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { serveEngine } from "./serve-engine.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", short: "p" },
    version: { type: "boolean" },
    "enable-metrics": { type: "boolean" },
    "enable-raw-queries": { type: "boolean" },
  },
});
/** The folder with Prisma's packages; the other variables are those of the engine that this stands for. */
const packages = process.env["PRISMA_PACKAGES"] ?? "";

if (values.version === true) {
  const require = createRequire(join(packages, "package.json"));
  const { version } = require("@prisma/query-engine-wasm/package.json") as { version: string };
  console.log(`query-engine ${version.split(".").at(-1) ?? ""}`);
} else {
  endWithParent();
  await serveEngine(Number(values.port), packages, process.env);
}

/** A client that is killed cannot end its engine. */
function endWithParent(): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.exit(0);
  }, 1_000).unref();
}
