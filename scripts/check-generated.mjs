// Generates into a temporary folder and compares with src/gen, which stays as it is. Of the clients' stubs, whose generators need
// not be here, it compares the descriptors they carry; test/interop generates them anew where the generators are.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { readTool, root, runTool } from "./run-tool.mjs";
import { staleStubs } from "./stub-descriptors.ts";

/** Paths of files in the folder, relative to it → contents. */
function readTree(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1), readFileSync(path, "utf8")];
    }),
  );
}

function differences(committed, generated) {
  const paths = [...new Set([...committed.keys(), ...generated.keys()])].sort();
  return paths.flatMap((path) => {
    if (!committed.has(path)) return [`src/gen/${path} is missing`];
    if (!generated.has(path)) return [`src/gen/${path} comes from no .proto file any more`];
    return committed.get(path) === generated.get(path) ? [] : [`src/gen/${path} is out of date`];
  });
}

const fresh = mkdtempSync(join(tmpdir(), "secret-broker-generate-"));
try {
  const gen = join(fresh, "src", "gen");
  const generated =
    runTool("buf", ["generate", "-o", fresh]) === 0 &&
    runTool(process.execPath, ["scripts/write-descriptor-set.mjs", join(gen, "descriptor-set.ts")]) === 0;
  const found = generated ? differences(readTree(join(root, "src", "gen")), readTree(gen)) : ["generating failed"];
  for (const line of found) console.error(line);
  if (found.length > 0) {
    if (generated) console.error("run `npm run generate` and commit src/gen with the .proto change");
    process.exitCode = 1;
  }
  const descriptors = readTool("buf", ["build", "proto", "--as-file-descriptor-set", "-o", "-#format=binpb"]);
  for (const line of staleStubs(descriptors, root)) {
    console.error(line);
    process.exitCode = 1;
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
