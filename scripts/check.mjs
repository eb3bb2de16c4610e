// Everything a change has to pass, one step after the other; the first failure ends it.
// usage: npm run check [-- --without STEP…]
import process from "node:process";
import { runTool } from "./run-tool.mjs";

const [option, ...without] = process.argv.slice(2);
if (option !== undefined && option !== "--without") throw new Error(`unknown option ${option}`);
const steps = ["format:check", "lint", "types", "proto", "generate:check", "test"].filter(
  (step) => !without.includes(step),
);

for (const step of steps) {
  console.log(`check: ${step}`);
  const startedMs = performance.now();
  const code = runTool("npm", ["run", "--silent", step]);
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  console.log(`check: ${step} ${code === 0 ? "passed" : "failed"} after ${seconds} s`);
  if (code !== 0) {
    console.log(`check: run \`npm run ${step}\` to see only this`);
    process.exitCode = code;
    break;
  }
}
