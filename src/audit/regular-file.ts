import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** Opening a pipe for reading waits for somebody who writes, and holds a thread of few meanwhile. */
const reading = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * Opens a file for reading; a pipe or a device, whose reading may never end, it refuses.
 * @throws Error the system's, or that it is no regular file
 */
export async function openRegularFile(path: string): Promise<FileHandle> {
  const handle = await open(path, reading);
  try {
    if ((await handle.stat()).isFile()) return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  throw Object.assign(new Error(`${path} is no regular file`), { code: "EINVAL" });
}
