// Builds dist/ when dist/main.js is missing or older than anything it is made of; otherwise does nothing.
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { root, runTool } from "./run-tool.mjs";

const dist = join(root, "dist");
const entry = join(dist, "main.js");
const inputs = ["src", "package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json"];

/** When the path, or anything under it, last changed. A folder counts too: removing a file changes only its folder. */
function lastChangeMs(path) {
  const status = statSync(path);
  if (!status.isDirectory()) return status.mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, lastChangeMs(join(path, name))), status.mtimeMs);
}

function staleBecause() {
  if (!existsSync(entry)) return "dist/main.js is missing";
  const builtMs = statSync(entry).mtimeMs;
  const changed = inputs.find((input) => lastChangeMs(join(root, input)) > builtMs);
  return changed === undefined ? undefined : `${changed} changed`;
}

/** Builds beside dist/ and swaps, so that nobody ever runs half a build or a file whose source is gone. */
function build() {
  const startedAt = new Date();
  const cache = join(root, ".cache");
  const fresh = join(cache, `dist-${String(process.pid)}`);
  const old = join(cache, `dist-old-${String(process.pid)}`);
  mkdirSync(cache, { recursive: true });
  try {
    const code = runTool("tsc", ["-p", "tsconfig.build.json", "--noEmitOnError", "--outDir", fresh]);
    if (code !== 0) return code;
    chmodSync(join(fresh, "main.js"), 0o755);
    // A source saved while the compiler ran is newer than this, and is built next time.
    if (existsSync(join(fresh, "main.js"))) utimesSync(join(fresh, "main.js"), startedAt, startedAt);
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(fresh, dist);
    return 0;
  } finally {
    for (const folder of [fresh, old]) rmSync(folder, { recursive: true, force: true });
  }
}

const reason = staleBecause();
if (reason !== undefined) {
  console.log(`building dist/ (${reason})`);
  process.exitCode = build();
}
