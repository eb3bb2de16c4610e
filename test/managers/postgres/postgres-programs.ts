import { accessSync, constants, globSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/** Names a folder with `postgres`, `initdb` and `psql`. */
const folderVariable = "SECRET_BROKER_POSTGRES_BIN";

/** Where PostgreSQL's programs are: the folder a variable names, `PATH`, or where Debian keeps each version's. */
export const programsFolder: string | undefined = [
  process.env[folderVariable] ?? "",
  ...(process.env["PATH"] ?? "").split(delimiter),
  ...globSync("/usr/lib/postgresql/*/bin").sort(byVersion).reverse(),
]
  .filter((folder) => folder !== "" && isProgram(join(folder, "postgres")))
  // A link to one program may stand without those beside it.
  .map((folder) => dirname(realpathSync(join(folder, "postgres"))))
  .find((folder) => ["initdb", "psql"].every((program) => isProgram(join(folder, program))));

/** Whether tests with a real PostgreSQL are skipped; never where peers are required, so that they fail instead. */
export const isPostgresMissing: boolean =
  programsFolder === undefined && process.env["SECRET_BROKER_REQUIRE_PEERS"] !== "1";

/** The title of tests that need PostgreSQL: says why they are skipped where it is missing. */
export function titleOf(what: string): string {
  if (!isPostgresMissing) return what;
  return `${what} (skipped: no PostgreSQL in PATH or ${folderVariable}; scripts/ci/install-peers.sh installs it)`;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** `/usr/lib/postgresql/9/bin` before `/usr/lib/postgresql/17/bin` */
function byVersion(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
