#!/usr/bin/env node
// Nothing newer may be imported before the check: an old Node.js would fail on it with a message nobody understands.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if ((major === 22 && minor >= 18) || major === 24 || major >= 26) {
  const { runCli } = await import("./cli/run-cli.js");
  process.exitCode = await runCli(process.argv.slice(2), process);
} else {
  process.stderr.write(
    `secret-broker needs Node.js 22.18 or later, 24, or 26 and later; this is ${process.versions.node}\n`,
  );
  process.exitCode = 1;
}
