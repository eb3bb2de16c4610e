// Runs vitest with the parameters given and ends with one line: "N passed, N failed, N skipped".
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { nodeProblem } from "./node-version.mjs";
import { root, runTool } from "./run-tool.mjs";

/** A file that does not even load has no tests to fail, so it counts as one. */
function countTests({ numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults }) {
  const broken = testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  );
  return { passed: numPassedTests, failed: numFailedTests + broken.length, skipped: numPendingTests + numTodoTests };
}

function readCounts(report) {
  if (existsSync(report)) return countTests(JSON.parse(readFileSync(report, "utf8")));
  console.error("vitest ended without a report");
  return { passed: 0, failed: 0, skipped: 0 };
}

/** @returns {number} the exit code */
function runTests() {
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const report = join(cache, `vitest-${String(process.pid)}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  try {
    const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
    const code = runTool(process.execPath, [vitest, "run", ...reporters, ...process.argv.slice(2)]);
    const { passed, failed, skipped } = readCounts(report);
    const ran = passed + failed > 0;
    if (!ran) console.error("no test ran");
    if (ran && failed === 0 && code !== 0) console.error(`vitest exited with ${String(code)} although no test failed`);
    console.log(`${String(passed)} passed, ${String(failed)} failed, ${String(skipped)} skipped`);
    return ran ? code : 1;
  } finally {
    rmSync(report, { force: true });
  }
}

const problem = nodeProblem();
if (problem !== undefined) console.error(problem);
process.exitCode = problem === undefined ? runTests() : 1;
