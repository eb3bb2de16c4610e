import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Only the broker's own user reads what it keeps. */
const fileMode = 0o600;

/**
 * Replaces a file as a whole: either the old content or the new is there, whatever happens meanwhile, and the new one once
 * this has resolved, also after a loss of power.
 */
export async function replaceFile(file: string, content: string): Promise<void> {
  const draft = `${file}.new`;
  // What was left there may be a link to another file, or be open to others; what is made now is neither.
  await rm(draft, { force: true });
  try {
    await writeNew(draft, content);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await using directory = await open(dirname(file), "r");
  await directory.sync();
}

async function writeNew(file: string, content: string): Promise<void> {
  await using handle = await open(file, "wx", fileMode);
  await handle.writeFile(content);
  await handle.sync();
}
