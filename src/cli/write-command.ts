import type { Command } from "commander";
import {
  addConnectionOptions,
  type CommandContext,
  type ConnectionOptions,
  withInherited,
  withClient,
} from "./command-context.js";
import { collectTag, wholeNumber } from "./option-parsers.js";
import { payloadOf, readValue, readValueFile, trimNewline } from "./read-value.js";
import { UsageError } from "./usage-error.js";

interface WriteOptions extends ConnectionOptions {
  readonly file?: string;
  readonly binary?: boolean;
  readonly trimNewline?: boolean;
  readonly description?: string;
  readonly tag?: Readonly<Record<string, string>>;
  readonly expectedVersion?: number;
  readonly ifAbsent?: boolean;
  readonly requestId?: string;
}

/** Declares `write NAME`; the value comes from standard input or a file and never from the command line. */
export function addWriteCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("write")
    .description("write a secret; the value is read from standard input or a file, byte for byte")
    .argument("<name>", "the secret's name")
    .option("--file <path>", "read the value from this file")
    .option("--trim-newline", "drop one line break at the end of the value")
    .option("--binary", "store bytes even when the value is valid UTF-8")
    .option("--description <text>", "what the secret is for")
    .option("--tag <key=value>", "a label; may be repeated", collectTag)
    .option("--expected-version <number>", "write only over this version", wholeNumber("--expected-version"))
    .option("--if-absent", "write only if the secret does not exist")
    .option("--request-id <id>", "answer a repetition with the same id as the first time")
    .action((name: string, own: WriteOptions, self: Command) => writeSecret(context, name, withInherited(own, self)))
    .exitOverride((error) => {
      throw isMisplaced(error.code) ? misplacedArgument() : error;
    });
  addConnectionOptions(command);
}

async function writeSecret(context: CommandContext, name: string, options: WriteOptions): Promise<void> {
  const { description, tag: tags, requestId: idempotencyId } = options;
  const expectedVersion = expectedVersionOf(options);
  const payload = payloadOf(await valueOf(context, options), options.binary ?? false);
  const request = { name, payload, description, tags, expectedVersion, idempotencyId };
  const written = await withClient(context, options, (client) => client.writeSecret(request));
  const version = written.version === undefined ? "" : ` version ${String(written.version)}`;
  if (options.json) await context.output.document({ name, ...written });
  else await context.output.line(`wrote "${name}"${version}`);
}

function expectedVersionOf({ ifAbsent, expectedVersion }: WriteOptions): number | undefined {
  if (ifAbsent !== true) return expectedVersion;
  if (expectedVersion === undefined) return 0;
  throw new UsageError("--if-absent and --expected-version exclude each other");
}

async function valueOf(context: CommandContext, options: WriteOptions): Promise<Buffer> {
  const { io, output } = context;
  const { file } = options;
  if (file === undefined && io.stdin.isTTY) await output.note("type the value, then press Ctrl-D on a line of its own");
  const value = await (file === undefined ? readValue(io.stdin, "standard input") : readValueFile(file));
  const trimmed = options.trimNewline ? trimNewline(value) : value;
  if (!options.json) await noteOddities(context, trimmed);
  return trimmed;
}

async function noteOddities({ output }: CommandContext, value: Buffer): Promise<void> {
  if (value.byteLength === 0) await output.note("note: the value is empty");
  if (value.at(-1) === 0x0a) {
    await output.note("note: the value ends with a newline; use --trim-newline to drop it");
  }
}

/** What follows the name, or looks like an unknown option, may well be the value; it must not be repeated. */
function isMisplaced(code: string): boolean {
  return code === "commander.excessArguments" || code === "commander.unknownOption";
}

function misplacedArgument(): UsageError {
  return new UsageError(
    "write takes a name and the options its --help lists; a value is read from standard input or --file, " +
      "as other users of this machine can see a command line",
  );
}
