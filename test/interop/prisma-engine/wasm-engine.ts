import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

/** Prisma's query engine; it takes and answers JSON. */
export interface WasmEngine {
  connect(trace: string): Promise<void>;
  query(body: string, trace: string, transaction?: string): Promise<string>;
  startTransaction(options: string, trace: string): Promise<string>;
  commitTransaction(transaction: string, trace: string): Promise<string>;
  rollbackTransaction(transaction: string, trace: string): Promise<string>;
}

interface EngineModule {
  readonly QueryEngine: new (options: object, log: (line: string) => void, adapter: object) => WasmEngine;
  __wbg_set_wasm(exports: object): void;
}

/** What is used of a global that the types of this project do not have. */
interface WebAssemblyLoader {
  instantiate(binary: Buffer, imports: object): Promise<{ readonly instance: { readonly exports: object } }>;
}

/** What is used of the driver, `pg`. */
interface Driver {
  readonly Pool: new (options: object) => ConnectionPool;
  readonly types: {
    getTypeParser(type: number): object;
    setTypeParser(type: number, parser: object): void;
  };
}

interface ConnectionPool {
  query(...parameters: readonly unknown[]): Promise<{ readonly fields: { dataTypeID: number }[] }>;
  on(event: "error", listener: () => void): void;
}

/** Types of PostgreSQL's own tables that the adapter does not know, and those that it knows them by. */
const sameTypes: ReadonlyMap<number, number> = new Map([
  // name, text
  [19, 25],
  // name[], text[]
  [1003, 1009],
]);

/** What a database is reached by, besides the model of its tables. */
export interface EngineOptions {
  /** The folder with Prisma's packages. */
  readonly packages: string;
  /** The text of `schema.prisma`. */
  readonly datamodel: string;
  readonly databaseUrl: string;
}

/** Loads Prisma's query engine for PostgreSQL and connects it. */
export async function startEngine({ packages, datamodel, databaseUrl }: EngineOptions): Promise<WasmEngine> {
  const require = createRequire(join(packages, "package.json"));
  const { QueryEngine } = await loadEngine(require.resolve("@prisma/query-engine-wasm/postgresql/query_engine_bg.js"));
  const { PrismaPg } = require("@prisma/adapter-pg") as { PrismaPg: new (pool: object) => object };
  const { bindAdapter } = require("@prisma/driver-adapter-utils") as { bindAdapter(adapter: object): object };
  const pool = openPool(require("pg") as Driver, databaseUrl);
  const options = { datamodel, logLevel: "error", logQueries: false };
  const engine = new QueryEngine(options, () => undefined, bindAdapter(new PrismaPg(pool)));
  await engine.connect("");
  return engine;
}

async function loadEngine(path: string): Promise<EngineModule> {
  const engine = (await import(pathToFileURL(path).href)) as EngineModule;
  const binary = readFileSync(join(dirname(path), "query_engine_bg.wasm"));
  const { WebAssembly: loader } = globalThis as unknown as { WebAssembly: WebAssemblyLoader };
  const { instance } = await loader.instantiate(binary, { "./query_engine_bg.js": engine });
  engine.__wbg_set_wasm(instance.exports);
  return engine;
}

function openPool({ Pool, types }: Driver, databaseUrl: string): ConnectionPool {
  for (const [type, known] of sameTypes) types.setTypeParser(type, types.getTypeParser(known));
  class PoolOfKnownTypes extends Pool {
    override async query(...parameters: readonly unknown[]): ReturnType<ConnectionPool["query"]> {
      const result = await super.query(...parameters);
      for (const field of result.fields) field.dataTypeID = sameTypes.get(field.dataTypeID) ?? field.dataTypeID;
      return result;
    }
  }
  const pool = new PoolOfKnownTypes(poolOptions(databaseUrl));
  // A connection that is lost while nobody uses it is replaced.
  pool.on("error", () => undefined);
  return pool;
}

/** The URL without what only Prisma's own driver understands. */
function poolOptions(databaseUrl: string): object {
  const url = new URL(databaseUrl);
  const max = Number(url.searchParams.get("connection_limit") ?? 10);
  const options = url.searchParams.get("options");
  url.search = "";
  return { connectionString: url.href, max, ...(options === null ? {} : { options }) };
}
