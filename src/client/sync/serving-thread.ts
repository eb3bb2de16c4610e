import { Server } from "node:net";
import { resolve } from "node:path";

/** Node's way to what keeps a thread busy; not in its types, and may go away. */
interface WithHandles {
  readonly _getActiveHandles?: () => readonly unknown[];
}

/**
 * Whether this very thread serves an address, and so cannot answer while it waits. Says no where that cannot be told;
 * then the wait ends at its timeout.
 */
export function isServedHere(address: string): boolean {
  const handles = (process as WithHandles)._getActiveHandles?.() ?? [];
  return handles.some((handle) => handle instanceof Server && isAt(handle.address(), address));
}

function isAt(bound: ReturnType<Server["address"]>, address: string): boolean {
  if (bound === null) return false;
  if (typeof bound === "string") return address === `unix:${bound}` || sameSocket(bound, address);
  return address.endsWith(`:${String(bound.port)}`) && /^(?:127\.|localhost:|\[::1\])/i.test(address);
}

function sameSocket(bound: string, address: string): boolean {
  return address.startsWith("unix:") && resolve(address.slice("unix:".length)) === resolve(bound);
}
