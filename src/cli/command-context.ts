import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { isSecretError } from "../domain/secret-error.js";
import type { CredentialFile } from "../client/connection/credential-source.js";
import type { TlsOptions } from "../client/connection/tls-material.js";
import type { SecretBrokerClient } from "../client/secret-broker-client.js";
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
  readonly caFile?: string;
  readonly certificate?: string;
  readonly key?: string;
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
    .option("--ca-file <file>", "speak TLS, and check the broker's certificate against these authorities")
    .option("--certificate <file>", "speak TLS, and prove who you are with this certificate; with --key")
    .option("--key <file>", "the private key of --certificate")
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
  const client = await createClient(io, options);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

async function createClient({ env }: CliIo, options: ConnectionOptions): Promise<SecretBrokerClient> {
  const { address, timeout, tokenFile } = options;
  const token = tokenSource(tokenFile ?? env[tokenFileVariable]);
  const tls = tlsOptions(options);
  const { SecretBrokerClient } = await import("../client/secret-broker-client.js");
  const fromEnvironment = env[addressVariable] === "" ? undefined : env[addressVariable];
  try {
    return new SecretBrokerClient(address ?? fromEnvironment ?? defaultAddress, { timeoutMs: timeout, token, tls });
  } catch (error) {
    if (!isSecretError(error)) throw error;
    const source = address === undefined ? addressVariable : "--address";
    throw new UsageError(`${source}: ${error.message}`);
  }
}

/** A token is taken from a file alone: arguments and variables are shown to others on the machine. */
function tokenSource(file: string | undefined): CredentialFile | undefined {
  if (file === undefined || file === "") return undefined;
  assertReadable(file, "the token file");
  return { file };
}

function tlsOptions({ caFile, certificate, key }: ConnectionOptions): TlsOptions | undefined {
  if ((certificate === undefined) !== (key === undefined)) {
    throw new UsageError("--certificate and --key must be given together");
  }
  const ca = credentialFile(caFile, "--ca-file");
  const own = { certificate: credentialFile(certificate, "--certificate"), key: credentialFile(key, "--key") };
  return ca === undefined && own.key === undefined ? undefined : { ca, ...own };
}

function credentialFile(file: string | undefined, option: string): CredentialFile | undefined {
  if (file === undefined) return undefined;
  assertReadable(file, `the file of ${option},`);
  return { file };
}

/** Said before anything is tried; commands that go on for long read the file again when it changes. */
function assertReadable(file: string, what: string): void {
  try {
    readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw new UsageError(`${what} ${file} cannot be read (${code})`);
  }
}
