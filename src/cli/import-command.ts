import type { Command } from "commander";
import { timingSafeEqual } from "node:crypto";
import type { SecretBrokerClient } from "../client/secret-broker-client.js";
import { payloadBytes, type Payload } from "../domain/payload.js";
import { isSecretError, type SecretErrorReason } from "../domain/secret-error.js";
import { secretNameProblem } from "../domain/secret-name.js";
import {
  addConnectionOptions,
  type CommandContext,
  type ConnectionOptions,
  withClient,
  withInherited,
} from "./command-context.js";
import { exitCodes } from "./exit-codes.js";
import type { ImportEntry, ImportProblem } from "./import-entry.js";
import { parseDotenv, type ParsedEntries } from "./parse-dotenv.js";
import { readValue, readValueFile } from "./read-value.js";
import { UsageError } from "./usage-error.js";

interface ImportOptions extends ConnectionOptions {
  readonly format?: string;
  readonly prefix?: string;
  readonly overwrite?: boolean;
  readonly dryRun?: boolean;
}

/** What became of one entry. */
interface Imported {
  readonly name: string;
  readonly outcome: "written" | "same" | "differs" | "missing" | "failed";
  readonly reason?: SecretErrorReason;
}

const formats: readonly string[] = ["dotenv", "json", "yaml"];

/** Declares `import FILE`, which writes the entries of a file through a running broker. */
export function addImportCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("import")
    .description("write the entries of a .env, JSON or YAML file as secrets; what is there is left alone")
    .argument("<file>", "the file; - for standard input")
    .option("--format <format>", `${formats.join(", ")}; the file's extension says it otherwise`)
    .option("--prefix <prefix>", "what to put before each name")
    .option("--overwrite", "write over what is there and differs")
    .option("--dry-run", "compare, and write nothing")
    .action((file: string, own: ImportOptions, self: Command) => importFile(context, file, withInherited(own, self)));
  addConnectionOptions(command);
}

async function importFile(context: CommandContext, file: string, options: ImportOptions): Promise<void> {
  const { output } = context;
  const { json = false, prefix = "" } = options;
  const parsed = await parse(context, file, formatOf(file, options));
  const entries = parsed.entries.map((entry) => ({ ...entry, name: `${prefix}${entry.name}` }));
  const problems = [...parsed.problems, ...nameProblems(entries)].toSorted((a, b) => a.line - b.line);
  if (problems.length > 0) {
    await report(context, file, { problems, json });
    return;
  }
  const all: Imported[] = [];
  await withClient(context, options, async (client) => {
    for (const entry of entries) {
      const imported = await importEntry(client, entry, options);
      all.push(imported);
      if (!json)
        await output.line(`${imported.outcome}${imported.reason ? ` ${imported.reason}` : ""} ${imported.name}`);
    }
  });
  const isDone = all.every(({ outcome }) => outcome === "written" || outcome === "same");
  if (!isDone)
    context.exitCode = all.some(({ outcome }) => outcome === "failed") ? exitCodes.failed : exitCodes.conflict;
  if (json) await output.document({ same: isDone, secrets: all });
}

/** Every problem at once; nothing has been written. */
async function report(
  context: CommandContext,
  file: string,
  { problems, json }: { readonly problems: readonly ImportProblem[]; readonly json: boolean },
): Promise<void> {
  context.exitCode = exitCodes.failed;
  if (json) {
    await context.output.document({ same: false, secrets: [], problems });
    return;
  }
  for (const { line, column, message } of problems) {
    await context.output.note(`${file}:${String(line)}:${String(column)}: ${message}`);
  }
  await context.output.note("nothing was written");
}

function formatOf(file: string, { format }: ImportOptions): string {
  if (format !== undefined) {
    if (formats.includes(format)) return format;
    throw new UsageError(`--format must be one of ${formats.join(", ")}`);
  }
  if (/\.json$/iu.test(file)) return "json";
  if (/\.ya?ml$/iu.test(file)) return "yaml";
  if (/(?:^|[./])env(?:\.[^/]*)?$/iu.test(file)) return "dotenv";
  throw new UsageError(`say what the file is with --format: ${formats.join(", ")}`);
}

async function parse({ io }: CommandContext, file: string, format: string): Promise<ParsedEntries> {
  const bytes = file === "-" ? await readValue(io.stdin, "standard input") : await readValueFile(file);
  const text = bytes.toString("utf8");
  if (!Buffer.from(text, "utf8").equals(bytes)) {
    return { entries: [], problems: [{ line: 1, column: 1, message: "is not UTF-8" }] };
  }
  if (format === "dotenv") return parseDotenv(text);
  // Loaded only here: the other commands start faster without the YAML library.
  const { parseMapping } = await import("./parse-mapping.js");
  return parseMapping(text);
}

function nameProblems(entries: readonly ImportEntry[]): ImportProblem[] {
  const seen = new Set<string>();
  return entries.flatMap(({ name, line, column }) => {
    const problem = seen.has(name) ? "stands twice; keep one of them" : secretNameProblem(name);
    seen.add(name);
    return problem === undefined ? [] : [{ line, column, message: `the name ${problem}` }];
  });
}

async function importEntry(client: SecretBrokerClient, entry: ImportEntry, options: ImportOptions): Promise<Imported> {
  const { name } = entry;
  try {
    return { name, outcome: await tryImport(client, entry, options) };
  } catch (error) {
    if (!isSecretError(error)) throw error;
    return { name, outcome: "failed", reason: error.reason };
  }
}

async function tryImport(
  client: SecretBrokerClient,
  { name, payload, description, tags }: ImportEntry,
  { overwrite, dryRun }: ImportOptions,
): Promise<Imported["outcome"]> {
  const there = await find(client, name);
  if (there !== undefined) {
    if (isSame(there.payload, payload)) return "same";
    if (overwrite !== true || dryRun === true) return "differs";
  } else if (dryRun === true) {
    return "missing";
  }
  await write(client, { name, payload, description, tags, expectedVersion: there?.version ?? 0 });
  return "written";
}

type WriteRequest = Parameters<SecretBrokerClient["writeSecret"]>[0];

/** Not over what somebody else has written meanwhile, where the manager can tell. */
async function write(client: SecretBrokerClient, request: WriteRequest): Promise<void> {
  try {
    await client.writeSecret(request);
  } catch (error) {
    const isUnsupported = isSecretError(error) && error.reason === "CAPABILITY_UNSUPPORTED";
    if (!isUnsupported || error.metadata["capability"] !== "preconditions") throw error;
    await client.writeSecret({ ...request, expectedVersion: undefined });
  }
}

interface Found {
  readonly payload: Payload;
  readonly version?: number | undefined;
}

async function find(client: SecretBrokerClient, name: string): Promise<Found | undefined> {
  try {
    const answer = await client.readSecret({ name });
    return "secret" in answer ? answer.secret : undefined;
  } catch (error) {
    const absent: readonly SecretErrorReason[] = ["SECRET_NOT_FOUND", "SECRET_DELETED"];
    if (isSecretError(error) && absent.includes(error.reason)) return undefined;
    throw error;
  }
}

function isSame(one: Payload, other: Payload): boolean {
  const [a, b] = [payloadBytes(one), payloadBytes(other)];
  return typeof one === typeof other && a.length === b.length && timingSafeEqual(a, b);
}
