import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from "@grpc/grpc-js";
import { onTestFinished } from "vitest";
import type { ManagerCall } from "../../../src/contract/manager-call.js";
import {
  Capability,
  HandshakeResponse,
  SecretManagerService,
  type WatchSecretsResponse,
} from "../../../src/gen/secretbroker/manager/v1/secret_manager.js";

type Unary = (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => void;
type Streaming = (call: ServerWritableStream<unknown, WatchSecretsResponse>) => void;

/** What a manager does that a test has written: an RPC that is missing is not served. */
export type Script = Partial<Record<Exclude<keyof typeof SecretManagerService, "watchSecrets">, Unary>> & {
  readonly watchSecrets?: Streaming;
};

/** A manager that answers as it is told, on a socket of its own. */
export interface ScriptedManager {
  readonly path: string;
  /** Ends every connection and listens no more; another may listen at the path. */
  stop(): Promise<void>;
}

/** A handshake that promises everything. */
export const goodHello: HandshakeResponse = HandshakeResponse.fromPartial({
  protocolVersion: 1,
  name: "scripted",
  capabilities: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] as Capability[],
});

/** Answers with one and the same message. */
export function always(response: unknown): Unary {
  return (_call, callback) => {
    callback(null, response);
  };
}

/** Fails with one and the same status. */
export function fails(code: status, details = "text of the manager's"): Unary {
  return (_call, callback) => {
    callback({ code, details });
  };
}

/** Serves a script at a path of its own, or at one given. */
export async function serveScript(script: Script, at?: string): Promise<ScriptedManager> {
  const folder = at === undefined ? await mkdtemp(join(tmpdir(), "scripted-")) : undefined;
  const path = at ?? join(folder ?? "", "manager.sock");
  const server = new Server();
  server.addService(SecretManagerService, { handshake: always(goodHello), ...script });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
  const stop = async (): Promise<void> => {
    server.forceShutdown();
    await rm(path, { force: true });
  };
  onTestFinished(async () => {
    await stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });
  return { path, stop };
}

/** Serves a script on a port of this machine over TLS; `clients` are the authorities that callers must be signed by. */
export async function serveSecured(
  script: Script,
  { certificate, key, clients }: { readonly certificate: string; readonly key: string; readonly clients?: string },
  port = 0,
): Promise<{ readonly port: number; stop(): void }> {
  const server = new Server();
  server.addService(SecretManagerService, { handshake: always(goodHello), ...script });
  const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) };
  const root = clients === undefined ? null : Buffer.from(clients);
  const secured = ServerCredentials.createSsl(root, [pair], clients !== undefined);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${String(port)}`, secured, (error, taken) => {
      if (error) reject(error);
      else resolve(taken);
    });
  });
  const stop = (): void => {
    server.forceShutdown();
  };
  onTestFinished(stop);
  return { port: bound, stop };
}

/** What goes with a call. */
export function callOf(changes: Partial<ManagerCall> = {}): ManagerCall {
  return {
    options: {},
    signal: new AbortController().signal,
    deadline: new Date(Date.now() + 15_000),
    principal: "test",
    requestId: "request-1",
    ...changes,
  };
}

/** The reason and message something is refused with. */
export async function refusalOf(work: PromiseLike<unknown> | undefined): Promise<{ reason: string; message: string }> {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof Error && "reason" in thrown)
      return { reason: String(thrown.reason), message: thrown.message };
    throw thrown;
  }
  return { reason: "none", message: "" };
}
