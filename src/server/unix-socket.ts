import { lstat, mkdir, unlink } from "node:fs/promises";
import { connect } from "node:net";
import { dirname } from "node:path";
import { SecretError } from "../domain/secret-error.js";

/** Only the broker's own user enters a directory made for its socket. */
const directoryMode = 0o700;

/**
 * Makes the way free for a Unix socket: its directory is there, and a socket that a dead process left is gone.
 * @throws SecretError `CONFIG_INVALID` when something else is there, or a live process listens
 */
export async function prepareUnixSocket(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: directoryMode });
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw refused(path, "is not a socket; choose another path or remove it");
  if (await isListening(path)) throw refused(path, "is in use by another process; stop it or choose another path");
  await unlink(path);
}

/** A socket that is readable and writable by its owner alone. */
const privateMode = 0o600;

/**
 * Runs a bind so that the socket it makes has a mode from its first moment: one that was changed later could be another
 * file by then, where others may write the directory.
 * @param mode bits for reading and writing; whoever may write a socket may connect
 * @param bind makes the socket before it returns, as the mode is that of everything the process makes meanwhile
 */
export function withSocketMode<T>(mode: number | undefined, bind: () => T): T {
  const previous = process.umask(0o777 & ~(mode ?? privateMode));
  try {
    return bind();
  } finally {
    process.umask(previous);
  }
}

/** Runs a bind so that the socket it makes is readable and writable by its owner alone. */
export async function withPrivateMode<T>(bind: () => Promise<T>): Promise<T> {
  const previous = process.umask(0o177);
  try {
    return await bind();
  } finally {
    process.umask(previous);
  }
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => {
      resolve(false);
    });
  });
}

function refused(path: string, what: string): SecretError {
  return new SecretError("CONFIG_INVALID", `cannot listen on unix:${path}: it ${what}`);
}
