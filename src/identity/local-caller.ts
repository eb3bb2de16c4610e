import type { Caller } from "../domain/caller.js";

/**
 * The caller of a connection while no method of authentication is configured. Only loopback and Unix sockets are
 * served then, so whoever is there may use this machine.
 * @param peer as grpc-js names it: `127.0.0.1:4711`, or `unknown` for a Unix socket
 */
export function localCaller(peer: string): Caller {
  return { principal: "local", provenBy: "none", peer: peer === "unknown" ? "unix" : peer };
}
