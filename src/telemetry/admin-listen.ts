import { rm, stat } from "node:fs/promises";
import type { Server } from "node:http";
import { connect } from "node:net";
import { SecretError } from "../domain/secret-error.js";

/** Where the admin server listens. */
export type AdminListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** An address as people write it: `127.0.0.1:9464`, `[::1]:9464` or `unix:PATH`. */
export function formatAdminAddress(address: AdminListenAddress): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${String(address.port)}`;
}

/**
 * Lets a server listen; a Unix socket is open to its owner only, from its first moment on.
 * @returns the address with the port the system chose
 * @throws SecretError `CONFIG_INVALID` that names the address and what to change
 */
export async function listenOn(server: Server, address: AdminListenAddress): Promise<string> {
  if (address.kind === "unix") await removeStaleSocket(address.path);
  try {
    await startListening(server, address);
  } catch (cause) {
    throw listenFailure(address, cause);
  }
  const bound = server.address();
  const chosen = address.kind === "tcp" && bound !== null && typeof bound === "object" ? { port: bound.port } : {};
  return formatAdminAddress({ ...address, ...chosen });
}

function startListening(server: Server, address: AdminListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      resolve();
    });
    if (address.kind === "tcp") server.listen(address.port, address.host);
    else listenPrivately(server, address.path);
  });
}

/** A later chmod would leave a moment in which anyone may connect; the socket is made before `listen` returns. */
function listenPrivately(server: Server, path: string): void {
  const before = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
}

/** A socket that nobody answers on was left by a process that died. */
async function removeStaleSocket(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isSocket() !== true || (await answers(path))) return;
  await rm(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      // Anything but a refusal says nothing about the owner: leave the file alone.
      resolve(error.code !== "ECONNREFUSED");
    });
  });
}

/** Where an address is chosen. */
const choice = "in secret_broker.admin.listen or by --admin-listen";

const fixByCode: Readonly<Record<string, string>> = {
  EADDRINUSE: `it is in use; stop the process that holds it, or choose another address ${choice}`,
  EACCES: "this process may not; choose another address or run as a user who may",
  EADDRNOTAVAIL: "this machine has no such address; choose one it has",
  ENOTFOUND: "the host is unknown; choose an address of this machine",
  ENOENT: "the directory does not exist; create it or choose another path",
  EINVAL: "it is not valid; a socket's path is at most about 100 characters long",
};

function listenFailure(address: AdminListenAddress, cause: unknown): SecretError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const fix = fixByCode[code] ?? "choose another address";
  const shown = formatAdminAddress(address);
  return new SecretError("CONFIG_INVALID", `cannot listen on "${shown}" for metrics and health: ${fix}`, {
    cause,
    metadata: { address: shown },
  });
}
