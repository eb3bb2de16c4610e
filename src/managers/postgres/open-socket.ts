import { connect, isIP, type Socket } from "node:net";
import { readFile, stat } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import { isOpenToOthers, openKeyRule } from "../../domain/private-key-file.js";
import { SecretError } from "../../domain/secret-error.js";
import type { PostgresHost, PostgresServer } from "./postgres-server.js";

/** Opens a connection to a host, within a time. @throws Error the system's, or one with the code `ETIMEDOUT` */
export function openSocket({ host, port }: PostgresHost, timeoutMs: number): Promise<Socket> {
  const isFolder = host.startsWith("/");
  const socket = isFolder ? connect(`${host}/.s.PGSQL.${String(port)}`) : connect({ host, port, noDelay: true });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error("the host does not answer"), { code: "ETIMEDOUT" }));
    }, timeoutMs);
    // Stays, as an error that nobody listens to ends the process, and the driver listens only a while later.
    socket.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

/** How the driver is told to protect a connection. */
export type TlsOption = false | "prefer" | ConnectionOptions;

/**
 * What protects the connection to a host.
 * @throws SecretError `CONFIG_INVALID` when a file cannot be read, or a private key by others
 */
export async function tlsOption(server: PostgresServer, { host }: PostgresHost): Promise<TlsOption> {
  const { tlsMode = "prefer", tlsFiles = {} } = server;
  // A Unix socket does not leave the machine.
  if (tlsMode === "disable" || host.startsWith("/")) return false;
  if (tlsMode === "prefer") return "prefer";
  return {
    // The name that the certificate must be for.
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ca: await readPem(tlsFiles.rootPath),
    cert: await readPem(tlsFiles.certificatePath),
    key: await readKey(tlsFiles.keyPath),
    // As in libpq: who names an authority wants it checked.
    rejectUnauthorized: tlsMode !== "require" || tlsFiles.rootPath !== undefined,
    ...(tlsMode !== "verify-full" && { checkServerIdentity: () => undefined }),
  };
}

async function readKey(path: string | undefined): Promise<Buffer | undefined> {
  const pem = await readPem(path);
  if (path === undefined || !isOpenToOthers((await stat(path)).mode)) return pem;
  throw new SecretError("CONFIG_INVALID", `the file ${path} of the database's url ${openKeyRule}`);
}

async function readPem(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (cause) {
    throw new SecretError("CONFIG_INVALID", `the file ${path} of the database's url cannot be read`, { cause });
  }
}
