import { open, rename } from "node:fs/promises";

/** Only the broker's own user reads what it keeps. */
const fileMode = 0o600;

/** Replaces a file as a whole: either the old content or the new is there, whatever happens meanwhile. */
export async function replaceFile(file: string, content: string): Promise<void> {
  const draft = `${file}.new`;
  const handle = await open(draft, "w", fileMode);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}
