import { stat } from "node:fs/promises";
import { isOpenToOthers, openKeyRule } from "../domain/private-key-file.js";
import type { Config, ManagerConfig } from "./config.js";
import { ConfigError, type ConfigProblem } from "./config-error.js";

/** Who else may write a file: its group or everyone, or everyone. */
const writers = { others: 0o022, everyone: 0o002 } as const;

const everyoneReads = 0o004;

const writableRule = "can be written by others, who could let anybody in; take that right away with chmod go-w";
const readableRule =
  "holds a token or a password and can be read by every user of this machine; take that right away with chmod o-r";

/**
 * Refuses a file that decides who is let in where somebody else could change it.
 * @throws ConfigError
 */
export async function refuseWritable(file: string, by: keyof typeof writers): Promise<void> {
  if (await hasRight(file, writers[by])) throw new ConfigError([problem(file, writableRule)]);
}

/**
 * Refuses a private key that others can read. One that is not there is for whoever reads it to report.
 * @throws ConfigError
 */
export async function refuseOpenKey(file: string | undefined): Promise<void> {
  const mode = file === undefined ? undefined : await modeOf(file);
  if (file !== undefined && mode !== undefined && isOpenToOthers(mode)) {
    throw new ConfigError([problem(file, openKeyRule)]);
  }
}

/**
 * Refuses a private key, by which the broker proves itself to its manager, that others can read.
 * @throws ConfigError
 */
export async function refuseOpenManagerKey(manager: ManagerConfig): Promise<void> {
  await refuseOpenKey("tls" in manager ? manager.tls?.keyPath : undefined);
}

/** What works, as Kubernetes mounts files so, and may still not be meant. */
export async function rightsWarnings(config: Config): Promise<readonly ConfigProblem[]> {
  const found = await Promise.all([
    warningOf(config.file, writers.everyone, writableRule),
    ...filesWithSecrets(config).map((file) => warningOf(file, everyoneReads, readableRule)),
  ]);
  return found.flat();
}

/** The files of tokens and passwords by which the broker proves itself. */
function filesWithSecrets({ manager, audit, authentication }: Config): readonly string[] {
  const urls = [manager, ...audit.sinks].flatMap((each) =>
    "url" in each && "path" in each.url ? [each.url.path] : [],
  );
  const tokens = (authentication?.jwt ?? []).map(({ keys }) =>
    keys.kind === "file" ? undefined : keys.bearerTokenFile,
  );
  const own = manager.kind === "upstream" ? manager.tokenPath : undefined;
  return [...new Set([own, ...urls, ...tokens])].filter((file) => file !== undefined);
}

async function warningOf(file: string, right: number, message: string): Promise<readonly ConfigProblem[]> {
  return (await hasRight(file, right)) ? [problem(file, message)] : [];
}

async function hasRight(file: string, right: number): Promise<boolean> {
  return (((await modeOf(file)) ?? 0) & right) !== 0;
}

async function modeOf(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.mode;
}

function problem(file: string, message: string): ConfigProblem {
  return { file, line: 0, column: 0, path: "", message };
}
