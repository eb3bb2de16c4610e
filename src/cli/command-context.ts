import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { isSecretError } from "../domain/secret-error.js";
import { SecretBrokerClient } from "../client/secret-broker-client.js";
import type { CliIo } from "./cli-io.js";
import type { CliOutput } from "./cli-output.js";
import { parseTimeout } from "./option-parsers.js";
import { UsageError } from "./usage-error.js";

/** What every command works with. */
export interface CommandContext {
  readonly io: CliIo;
  readonly output: CliOutput;
  /** What the command line will exit with; a command sets it when it is not 0. */
  exitCode: number;
}

/** The options of every command that only prints. */
export interface OutputOptions {
  readonly json?: boolean;
}

/** The options of every command that asks a broker. */
export interface ConnectionOptions extends OutputOptions {
  readonly address?: string;
  /** In milliseconds. */
  readonly timeout?: number;
  readonly tokenFile?: string;
}

/** Where a broker is looked for unless told otherwise. */
export const defaultAddress = "127.0.0.1:50051";

/** The environment variable that holds the broker's address. */
export const addressVariable = "SECRET_BROKER_ADDRESS";

/** The environment variable that holds the path of the file with the bearer token. */
export const tokenFileVariable = "SECRET_BROKER_TOKEN_FILE";

/** Declares `--json` and `--debug`. */
export function addOutputOptions(command: Command): Command {
  return command
    .option("--json", "print one JSON document; failures go to standard error as JSON too")
    .option("--debug", "show where in the program a failure came from");
}

/** Declares the options of {@link ConnectionOptions}. */
export function addConnectionOptions(command: Command): Command {
  return addOutputOptions(command)
    .option(
      "--address <address>",
      `the broker, host:port or unix:PATH (env: ${addressVariable}, default: ${defaultAddress})`,
    )
    .option("--token-file <file>", `the file with the bearer token to send (env: ${tokenFileVariable})`)
    .option("--timeout <time>", "how long to wait: 500ms, 10s, 2m (default: 10s)", parseTimeout);
}

/** A command's own options together with those given before its name; its own win. */
export function withInherited<Options extends object>(own: Options, command: Command): Options {
  return command.parent === null ? own : withInherited({ ...command.parent.opts(), ...own }, command.parent);
}

/**
 * Connects to the broker the options name, and disconnects when `use` is done.
 * @throws UsageError for an address that is none
 */
export async function withClient<Result>(
  { io }: CommandContext,
  options: ConnectionOptions,
  use: (client: SecretBrokerClient) => Promise<Result>,
): Promise<Result> {
  const client = createClient(io, options);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

function createClient({ env }: CliIo, { address, timeout, tokenFile }: ConnectionOptions): SecretBrokerClient {
  const token = readToken(tokenFile ?? env[tokenFileVariable]);
  const fromEnvironment = env[addressVariable] === "" ? undefined : env[addressVariable];
  try {
    return new SecretBrokerClient(address ?? fromEnvironment ?? defaultAddress, { timeoutMs: timeout, token });
  } catch (error) {
    if (!isSecretError(error)) throw error;
    const source = address === undefined ? addressVariable : "--address";
    throw new UsageError(`${source}: ${error.message}`);
  }
}

/** A token is taken from a file alone: arguments and variables are shown to others on the machine. */
function readToken(file: string | undefined): string | undefined {
  if (file === undefined || file === "") return undefined;
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw new UsageError(`the token file ${file} cannot be read (${code})`);
  }
}
