import type { Command } from "commander";
import { addOutputOptions, type CommandContext, type OutputOptions, withInherited } from "./command-context.js";
import { UsageError } from "./usage-error.js";

interface CreateOptions extends OutputOptions {
  readonly principal: string;
  readonly group?: readonly string[];
  readonly expires?: Date;
  readonly tokens?: string;
}

const msByUnit: ReadonlyMap<string, number> = new Map([
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

/** Declares `token create`. */
export function addTokenCommand(program: Command, context: CommandContext): void {
  const token = program.command("token").description("make bearer tokens that a broker knows by their hashes");
  const create = token
    .command("create")
    .description("print a new token, once; the file gets its hash")
    .requiredOption("--principal <name>", "who brings the token")
    .option("--group <name>", "a group it puts the caller in; may be given more than once", collect)
    .option("--expires <time>", "when it ends: 12h, 90d or 2030-01-31T12:00:00Z (default: never)", parseExpiry)
    .option("--tokens <file>", "the file to add its hash to; without it the entry goes to standard error")
    .action((own: CreateOptions, self: Command) => createOne(context, withInherited(own, self)));
  addOutputOptions(create);
}

async function createOne({ output }: CommandContext, options: CreateOptions): Promise<void> {
  const { addToken, createToken } = await import("../app/add-token.js");
  const { principal, group = [], expires, tokens, json } = options;
  if (principal === "") throw new UsageError("--principal must not be empty");
  const { token, entry } = createToken({ principal, groups: group, expires });
  if (tokens !== undefined) addToken(tokens, entry);
  if (json) {
    await output.document({ token, entry });
    return;
  }
  await output.line(token);
  const where = tokens === undefined ? `put this under tokens: ${JSON.stringify(entry)}` : `its hash is in ${tokens}`;
  await output.note(`this is the only time the token is shown; ${where}`);
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function parseExpiry(text: string): Date {
  const [, digits, unit = ""] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  const lengthMs = Number(digits) * (msByUnit.get(unit) ?? Number.NaN);
  const isTime = /^\d{4}-\d{2}-\d{2}T/.test(text);
  const timeMs = Number.isNaN(lengthMs) && isTime ? Date.parse(text) : Date.now() + lengthMs;
  if (timeMs > Date.now()) return new Date(timeMs);
  throw new UsageError(
    "--expires must be a length of time such as 12h or 90d, or a time to come such as 2030-01-31T12:00:00Z",
  );
}
