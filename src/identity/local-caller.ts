import type { Caller } from "../domain/caller.js";

const maxPeers = 10_000;

/** Tells who calls by where the call comes from; the same object for the same peer, as long as it is remembered. */
export type IdentifyPeer = (peer: string) => Caller;

/**
 * The caller of a connection while no method of authentication is configured. Only loopback and Unix sockets are
 * served then, so whoever is there may use this machine.
 */
export function createLocalCallers(): IdentifyPeer {
  // peer → its caller; forgotten all at once, as connections come and go
  const callers = new Map<string, Caller>();
  return (peer) => {
    const known = callers.get(peer);
    if (known !== undefined) return known;
    if (callers.size >= maxPeers) callers.clear();
    const caller = Object.freeze<Caller>({
      principal: "local",
      groups: [],
      provenBy: "none",
      peer,
    });
    callers.set(peer, caller);
    return caller;
  };
}
