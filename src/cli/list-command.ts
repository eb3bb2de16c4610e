import type { Command } from "commander";
import type { SecretBrokerClient } from "../client/secret-broker-client.js";
import type { SecretDescription } from "../domain/secret.js";
import {
  addConnectionOptions,
  type CommandContext,
  type ConnectionOptions,
  withInherited,
  withClient,
} from "./command-context.js";
import { formatTable } from "./format-table.js";
import { collectTag, wholeNumber } from "./option-parsers.js";

interface ListOptions extends ConnectionOptions {
  readonly prefix?: string;
  readonly tag?: Readonly<Record<string, string>>;
  readonly limit?: number;
}

interface Listing {
  readonly secrets: readonly SecretDescription[];
  /** Whether there are more than the limit allowed. */
  readonly more: boolean;
}

const maxPageSize = 1_000;

/** Declares `list`. */
export function addListCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("list")
    .description("list the secrets you may see, without their values")
    .option("--prefix <prefix>", "only names that begin with this")
    .option("--tag <key=value>", "only secrets with this label; may be repeated", collectTag)
    .option("--limit <number>", "at most this many", wholeNumber("--limit", 1))
    .action((own: ListOptions, self: Command) => listSecrets(context, withInherited(own, self)));
  addConnectionOptions(command);
}

async function listSecrets(context: CommandContext, options: ListOptions): Promise<void> {
  const { output } = context;
  const listing = await withClient(context, options, (client) => readPages(client, options));
  if (options.json) {
    await output.document(listing);
    return;
  }
  if (listing.secrets.length === 0) await output.note("there are no such secrets");
  else await output.result(formatTable([["NAME", "VERSION", "UPDATED", "DESCRIPTION"], ...listing.secrets.map(rowOf)]));
  if (listing.more) await output.note("there are more; raise --limit to see them");
}

/** A page may hold fewer secrets than asked for, even none, and still not be the last. */
async function readPages(client: SecretBrokerClient, options: ListOptions): Promise<Listing> {
  const { prefix, tag: tags, limit = Infinity } = options;
  const secrets: SecretDescription[] = [];
  let pageToken: string | undefined;
  do {
    const pageSize = Math.min(limit - secrets.length, maxPageSize);
    const page = await client.listSecrets({ prefix, tags, pageSize, pageToken });
    secrets.push(...page.secrets);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined && secrets.length < limit);
  return { secrets, more: pageToken !== undefined };
}

function rowOf({ name, activeVersion, updateTime, description }: SecretDescription): string[] {
  return [name, activeVersion === undefined ? "-" : String(activeVersion), timeOf(updateTime), description ?? ""];
}

function timeOf(time: Date | undefined): string {
  return time === undefined || Number.isNaN(time.getTime()) ? "-" : time.toISOString();
}
