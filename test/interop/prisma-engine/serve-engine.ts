import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { readDataModel } from "./data-model.ts";
import type { GraphqlDocument } from "./graphql-document.ts";
import { type JsonAnswer, toGraphqlAnswer } from "./to-graphql-answer.ts";
import { QueryTranslator } from "./to-json-query.ts";
import { startEngine, type WasmEngine } from "./wasm-engine.ts";

interface GraphqlRequest {
  readonly query: string;
  readonly batch?: readonly { readonly query: string }[];
}

/** What answers queries, once it is there. */
interface Answerer {
  readonly engine: WasmEngine;
  readonly translate: (text: string) => object;
}

/**
 * Serves the engine's HTTP interface for the schema and the database that its environment names. It is reachable before the
 * engine is loaded: the client gives up after ten seconds without its status, and queries may wait. As with Prisma's own, a
 * database that cannot be reached fails queries, and does not end the engine.
 */
export async function serveEngine(port: number, packages: string, environment: NodeJS.ProcessEnv): Promise<void> {
  let answerer: Promise<Answerer> | undefined;
  const getAnswerer = (): Promise<Answerer> =>
    (answerer ??= prepare(packages, environment).catch((error: unknown) => {
      answerer = undefined;
      console.error("the query engine cannot be loaded:", error);
      throw error;
    }));
  const server = createServer((request, response) => {
    void answer(getAnswerer, request).then(
      (body) => response.setHeader("content-type", "application/json").end(JSON.stringify(body)),
      (error: unknown) => response.writeHead(500).end(JSON.stringify({ message: String(error) })),
    );
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  await getAnswerer().catch(() => undefined);
}

async function prepare(packages: string, environment: NodeJS.ProcessEnv): Promise<Answerer> {
  const datamodel = readFileSync(environment["PRISMA_DML_PATH"] ?? "", "utf8");
  const engine = await startEngine({ packages, datamodel, databaseUrl: databaseUrl(environment) });
  const require = createRequire(join(packages, "package.json"));
  const { parse } = require("graphql") as { parse(text: string): GraphqlDocument };
  const translator = new QueryTranslator(readDataModel(packages, datamodel));
  return { engine, translate: (text) => translator.translate(parse(text)) };
}

async function answer(getAnswerer: () => Promise<Answerer>, request: IncomingMessage): Promise<unknown> {
  const [, first, second = "", step] = (request.url ?? "").split(/[/?]/u);
  if (first === "status") return { status: "ok" };
  if (first === "metrics") return { counters: [], gauges: [], histograms: [] };
  const body = await textOf(request);
  const { engine, translate } = await getAnswerer();
  if (first === "transaction") return await transaction(engine, second === "start" ? body : "", { id: second, step });
  const { query, batch } = JSON.parse(body) as GraphqlRequest;
  const asked =
    batch === undefined ? translate(query) : { batch: batch.map((one) => translate(one.query)), transaction: {} };
  const within = request.headers["x-transaction-id"]?.toString();
  return toGraphqlAnswer(JSON.parse(await engine.query(JSON.stringify(asked), "", within)) as JsonAnswer);
}

async function transaction(
  engine: WasmEngine,
  options: string,
  { id, step }: { id: string; step: string | undefined },
): Promise<object> {
  const perform = async (): Promise<string> => {
    if (options !== "") return await engine.startTransaction(options, "");
    if (step === "commit") return await engine.commitTransaction(id, "");
    return await engine.rollbackTransaction(id, "");
  };
  const json = await perform();
  const answered = JSON.parse(json) as object;
  if ("error_code" in answered) throw new Error(json);
  return answered;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks = (await request.toArray()) as Buffer[];
  return Buffer.concat(chunks).toString("utf8");
}

function databaseUrl(environment: NodeJS.ProcessEnv): string {
  const overwritten = environment["OVERWRITE_DATASOURCES"];
  const [datasource] = overwritten === undefined ? [] : (JSON.parse(overwritten) as { url: string }[]);
  return datasource?.url ?? environment["DATABASE_URL"] ?? "";
}
