import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ActionError } from "../action-error.js";

/** Who may do what with a file. */
export interface OutputRights {
  /** Nine bits. */
  readonly mode: number;
  /** Our own unless given. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
}

/** What a file was made of. */
export type WriteOutcome = "written" | "same";

/** What was begun so long ago will not be finished, in milliseconds. */
const abandonedAfterMs = 60_000;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/**
 * Replaces a file as a whole, whatever happens meanwhile, unless it holds the same already. Nobody can read the new one
 * before it has its owner and mode.
 * @returns whether its content is another; one that only gets other rights is the same
 * @throws ActionError for a path that is no regular file, or that cannot be written
 */
export async function writeOutput(file: string, content: Uint8Array, rights: OutputRights): Promise<WriteOutcome> {
  try {
    const found = await inspect(file, content, rights);
    if (!found.isRight) await replace(file, content, rights);
    return found.isSame ? "same" : "written";
  } catch (error) {
    if (error instanceof ActionError) throw error;
    throw new ActionError(`${file} cannot be written (${codeOf(error)})`);
  }
}

interface Found {
  /** Whether the content is the same. */
  readonly isSame: boolean;
  /** Whether the rights are as well. */
  readonly isRight: boolean;
}

async function inspect(file: string, content: Uint8Array, { mode, owner }: OutputRights): Promise<Found> {
  const found = await lstat(file).catch(ignoreAbsence);
  if (found === undefined) return { isSame: false, isRight: false };
  if (found.isSymbolicLink()) throw new ActionError(`${file} is a symbolic link; name the file it leads to`);
  if (!found.isFile()) throw new ActionError(`${file} is not a regular file`);
  const isSame = found.size === content.length && (await holds(file, content));
  const isOwned = owner === undefined || (owner.uid === found.uid && owner.gid === found.gid);
  return { isSame, isRight: isSame && isOwned && (found.mode & 0o7777) === mode };
}

async function holds(file: string, content: Uint8Array): Promise<boolean> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    return (await handle.readFile()).equals(content);
  } catch {
    // What cannot be read is written anew.
    return false;
  } finally {
    await handle?.close();
  }
}

async function replace(file: string, content: Uint8Array, { mode, owner }: OutputRights): Promise<void> {
  await removeAbandoned(file);
  const draft = join(dirname(file), `${draftPrefix(file)}${randomBytes(8).toString("hex")}`);
  const handle = await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    try {
      if (owner !== undefined) await handle.chown(owner.uid, owner.gid);
      await handle.chmod(mode);
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolder(dirname(file));
}

/** Whoever was killed between two steps has left a draft, which holds what must not lie about. */
async function removeAbandoned(file: string): Promise<void> {
  const folder = dirname(file);
  // A folder may let us write into it and not look.
  const names = await readdir(folder).catch((): string[] => []);
  const drafts = names.filter((name) => isDraft(name, file));
  for (const draft of drafts.map((name) => join(folder, name))) {
    const { mtimeMs } = (await lstat(draft).catch(ignoreAbsence)) ?? { mtimeMs: Infinity };
    if (Date.now() - mtimeMs > abandonedAfterMs) await rm(draft, { force: true });
  }
}

/** The names of drafts are as long as the file's own and a little more, up to what file systems take. */
function draftPrefix(file: string): string {
  return `.${Buffer.from(basename(file))
    .subarray(0, 200)
    .toString("latin1")
    .replaceAll(/[^\w.-]/g, "_")}.draft-`;
}

function isDraft(name: string, file: string): boolean {
  const prefix = draftPrefix(file);
  return name.startsWith(prefix) && /^[0-9a-f]{16}$/.test(name.slice(prefix.length));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignoreAbsence(error: unknown): undefined {
  if (codeOf(error) === "ENOENT") return undefined;
  throw error;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
