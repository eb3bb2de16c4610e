import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { parseLink, type SignedLink } from "./chain-link.js";
import { openRegularFile } from "./regular-file.js";

/** The files of a trail. */
export interface TrailFiles {
  /** What one broker wrote, the oldest first and the file it writes last. */
  readonly own: readonly string[];
  /** What other processes wrote beside it, each a trail of its own. */
  readonly others: readonly string[];
}

/** How a file is called that was put aside, after the number of its last link. */
const rotatedPattern = /^\d{12,}$/;
/** What follows a trail's name where it is another process's: its work and its start. */
const otherPattern = /^\.[a-z]+-\d{8}T\d{6}Z-[0-9a-f]+$/;

/** Enough for a start's line. */
const firstLineBytes = 1_024;

/** What a file is called once it is put aside. */
export function rotatedPath(path: string, lastLink: number): string {
  return `${path}.${String(lastLink).padStart(12, "0")}`;
}

/** What follows a trail's name where it is another process's. @param id tells two of one second apart, in hexadecimal */
export function otherTrailSuffix(work: string, { time, id }: { time: Date; id: string }): string {
  return `.${work}-${time.toISOString().replaceAll(/[-:]|\.\d+/gu, "")}-${id}`;
}

/** Whether a trail is one that another process than the broker wrote beside the broker's. */
export function isOtherTrail(name: string, own: string): boolean {
  return name.startsWith(own) && otherPattern.test(name.slice(own.length));
}

/**
 * Finds the files of a trail.
 * @param path the one that is written; among those found also while it is missing
 * @param from leaves out files that end before
 * @throws Error the system's, when the directory cannot be read
 */
export async function findTrailFiles(path: string, from?: Date): Promise<TrailFiles> {
  const directory = dirname(path);
  const prefix = `${basename(path)}.`;
  const suffixes = (await readdir(directory))
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length));
  const inDirectory = (suffix: string): string => join(directory, prefix + suffix);
  const rotated = suffixes.filter((suffix) => rotatedPattern.test(suffix)).sort();
  const others = suffixes.filter((suffix) => otherPattern.test(`.${suffix}`)).sort();
  return { own: await inOrder([...rotated.map(inDirectory), path], from), others: others.map(inDirectory) };
}

/** By when they begin, then by number: numbers begin anew with another chain. The one that is written stays the last. */
async function inOrder(files: readonly string[], from: Date | undefined): Promise<readonly string[]> {
  const starts = await Promise.all(
    files.map(async (file) => {
      const { time = "", isAfterLoss = false } = (await readStart(file)) ?? {};
      return { file, time, isAfterLoss };
    }),
  );
  const live = starts.pop();
  const ordered = starts.sort((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time)));
  if (live !== undefined) ordered.push(live);
  let first =
    from === undefined
      ? 0
      : Math.max(
          ordered.findLastIndex(({ time }) => time <= from.toISOString()),
          0,
        );
  // What is told to be lost there may be back, in the file before.
  while (first > 0 && ordered[first]?.isAfterLoss === true) first -= 1;
  return ordered.slice(first).map(({ file }) => file);
}

/** What a file begins with; undefined when it is no start, or there is no file. */
async function readStart(file: string): Promise<SignedLink | undefined> {
  try {
    await using handle = await openRegularFile(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(firstLineBytes), 0, firstLineBytes, 0);
    const [line = ""] = buffer.toString("utf8", 0, bytesRead).split("\n", 1);
    const link = parseLink(line);
    return link === undefined || link.kind === "batch" ? undefined : link;
  } catch {
    return undefined;
  }
}
