import type { Command } from "commander";
import type { ReadFound } from "../client/read-secret.js";
import { isSecretError, SecretError, type SecretErrorReason } from "../domain/secret-error.js";
import {
  addConnectionOptions,
  type CommandContext,
  type ConnectionOptions,
  withClient,
  withInherited,
} from "./command-context.js";
import { parseVariable, wholeNumber } from "./option-parsers.js";
import { documentOf, printPayload } from "./print-secret.js";

interface GetOptions extends ConnectionOptions {
  readonly version?: number;
  readonly field?: string;
  readonly defaultEnv?: string;
}

/** After these there is no such secret for sure, so that another value may stand in for it. */
const absentReasons: ReadonlySet<SecretErrorReason> = new Set<SecretErrorReason>([
  "SECRET_NOT_FOUND",
  "KEY_NOT_HOSTED",
  "SECRET_DELETED",
]);

/** Declares `get NAME`, for scripts. */
export function addGetCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("get")
    .description("print a secret's exact bytes, for scripts")
    .argument("<name>", "the secret's name")
    .option("--version <number>", "this version instead of the active one", wholeNumber("--version", 1))
    .option("--field <field>", "one member of a value that is a JSON object")
    .option(
      "--default-env <variable>",
      "this environment variable where the broker has no such secret",
      parseVariable("--default-env"),
    )
    .action((name: string, own: GetOptions, self: Command) => getSecret(context, name, withInherited(own, self)));
  addConnectionOptions(command);
}

async function getSecret(context: CommandContext, name: string, options: GetOptions): Promise<void> {
  const { output } = context;
  const answer = await find(context, name, options);
  if (options.json)
    await output.document(typeof answer === "string" ? fallbackDocument(name, answer) : documentOf(answer));
  else await printPayload(output, typeof answer === "string" ? answer : answer.secret.payload, !output.isTerminal);
}

/** The secret, or the text of the variable that stands in for it. */
async function find(context: CommandContext, name: string, options: GetOptions): Promise<ReadFound | string> {
  const { version, field, defaultEnv } = options;
  try {
    const answer = await withClient(context, options, (client) => client.readSecret({ name, version, field }));
    if (!answer.notModified) return answer;
    throw new SecretError("MANAGER_REPLY_INVALID", "the broker left the payload out");
  } catch (error) {
    if (defaultEnv === undefined || !isSecretError(error) || !absentReasons.has(error.reason)) throw error;
    const fallback = context.io.env[defaultEnv];
    if (fallback !== undefined) return fallback;
    const message = `${error.message}, and the variable ${defaultEnv} is not set`;
    throw new SecretError(error.reason, message, { cause: error, metadata: error.metadata });
  }
}

function fallbackDocument(name: string, text: string): unknown {
  return { name, text, servedFrom: "environment" };
}
