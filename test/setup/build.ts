import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = new URL("../../", import.meta.url);

/**
 * Builds `dist/` when it is stale, as some tests start the built program.
 *
 * A source that does not compile is reported and no more: most tests run from the sources, and `npm test` has
 * refused it before this.
 */
export default function buildWhenStale(): void {
  if (!existsSync(new URL("src/main.ts", root))) return;
  const script = fileURLToPath(new URL("scripts/build-if-stale.mjs", root));
  const { status } = spawnSync(process.execPath, [script], { cwd: root, stdio: "inherit" });
  if (status !== 0) console.error("dist/ was not built: tests that start it see the last good build, or none");
}
