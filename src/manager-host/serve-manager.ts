import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { SecretManager } from "../contract/secret-manager.js";
import { SecretError } from "../domain/secret-error.js";
import { SecretManagerService } from "../gen/secretbroker/manager/v1/secret_manager.js";
import { prepareUnixSocket, withPrivateMode } from "../server/unix-socket.js";
import { hostedService, type HostingOptions } from "./hosted-service.js";

/** How a manager is served. */
export interface ServeManagerOptions extends HostingOptions {
  /** `unix:PATH`, or `host:port` on this machine; port 0 is one that the system chooses. */
  readonly address: string;
}

/** A manager that is served. */
export interface ServedManager {
  /** Where, as a broker dials it. */
  readonly address: string;
  /** Lets calls under way finish, within a time, then ends them. The manager itself stays open. */
  close(drainMs?: number): Promise<void>;
}

/** The most a message may hold: the largest payload a broker can be set to, and room for the rest. */
const maxMessageBytes = 68 * 1024 * 1024;

const defaultDrainMs = 1_000;

/**
 * Serves a manager to brokers over `secretbroker.manager.v1`. Whoever can connect can read everything: a Unix socket is
 * its owner's alone, a loopback address is everyone's on this machine.
 * @throws SecretError `CONFIG_INVALID` when the address cannot be had, or is not on this machine
 */
export async function serveManager(manager: SecretManager, options: ServeManagerOptions): Promise<ServedManager> {
  const server = new Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    "grpc.enable_channelz": 0,
  });
  server.addService(SecretManagerService, hostedService(manager, options));
  const address = await listen(server, options.address);
  return {
    address,
    close: async (drainMs = defaultDrainMs) => {
      await stop(server, drainMs);
    },
  };
}

async function listen(server: Server, address: string): Promise<string> {
  if (address.startsWith("unix:")) {
    await prepareUnixSocket(address.slice("unix:".length));
    await withPrivateMode(() => bind(server, address));
    return address;
  }
  const host = /^(127(?:\.\d{1,3}){3}|localhost|\[::1\]):\d{1,5}$/u.exec(address)?.[1];
  if (host === undefined) {
    const rule = "must be unix:PATH or a port on a loopback address, as the connection is not encrypted";
    throw new SecretError("CONFIG_INVALID", `the address of a manager ${rule}`);
  }
  return `${host}:${String(await bind(server, address))}`;
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (cause, port) => {
      if (cause === null) resolve(port);
      else reject(new SecretError("CONFIG_INVALID", `cannot listen on ${address}`, { cause }));
    });
  });
}

async function stop(server: Server, drainMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, drainMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
