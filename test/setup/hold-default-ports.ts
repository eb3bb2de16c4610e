import { once } from "node:events";
import { createServer, type Server } from "node:net";

/** Where a broker listens and serves its metrics when its configuration does not say. */
const defaultPorts = [50_051, 50_052];

/**
 * Holds those ports while the tests run: a test's broker that was not told to listen elsewhere fails always, rather
 * than when another test, or a connection of the system's choice, happens to have the port.
 */
export default async function holdDefaultPorts(): Promise<() => Promise<void>> {
  const servers = await Promise.all(defaultPorts.map(hold));
  return async () => {
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  };
}

async function hold(port: number): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).listen(port, "127.0.0.1");
  await once(server, "listening").catch((error: unknown) => {
    // Somebody else has it: that does as well.
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
  });
  return server;
}
