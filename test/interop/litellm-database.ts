import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { PostgresServerProcess } from "../managers/postgres/start-postgres.js";
import { newestLiteLlm } from "./litellm-release.js";
import { prismaPath } from "./peer.js";
import { root } from "./running-broker.js";

/** A database with LiteLLM's tables, and what its proxy needs to use it. */
export interface LiteLlmDatabase {
  readonly environment: NodeJS.ProcessEnv;
  remove(): Promise<void>;
}

const migrations = "../lib/python3*/site-packages/litellm_proxy_extras/migrations/*/migration.sql";

/** Starts PostgreSQL with the tables that LiteLLM's own migrations make. */
export async function startLiteLlmDatabase(): Promise<LiteLlmDatabase> {
  const server = await PostgresServerProcess.start({ settings: { fsync: "off" } });
  const folder = mkdtempSync(join(tmpdir(), "sb-litellm-database-"));
  const remove = async (): Promise<void> => {
    await server.remove();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const files = globSync(join(dirname(newestLiteLlm.pythonPath), migrations)).sort();
    const tables = join(folder, "tables.sql");
    writeFileSync(tables, files.map((file) => readFileSync(file, "utf8")).join("\n"));
    await server.sql(`\\i ${tables}`);
  } catch (error) {
    await remove();
    throw error;
  }
  const engine = `exec '${process.execPath}' '${join(root, "test/interop/prisma-engine/main.ts")}' "$@"`;
  return {
    environment: {
      DATABASE_URL: server.url(),
      DISABLE_SCHEMA_UPDATE: "true",
      PYTHONPATH: [join(root, "clients/python/src"), join(prismaPath, "python")].join(delimiter),
      PRISMA_PACKAGES: prismaPath,
      PRISMA_QUERY_ENGINE_BINARY: writeProgram(folder, "query-engine", engine),
      // LiteLLM has the tables compared with its schema by a program that would be downloaded first.
      PATH: [dirname(writeProgram(folder, "prisma", "exit 0")), process.env["PATH"]].join(delimiter),
    },
    remove,
  };
}

function writeProgram(folder: string, name: string, command: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${command}\n`);
  chmodSync(path, 0o755);
  return path;
}
