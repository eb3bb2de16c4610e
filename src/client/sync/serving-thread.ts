import { isIP, Server } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { resolve } from "node:path";

/** Node's way to what keeps a thread busy; not in its types, and may go away. */
interface WithHandles {
  readonly _getActiveHandles?: () => readonly unknown[];
}

const everyAddress: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/**
 * Whether this very thread serves an address, and so cannot answer while it waits. Says no where that cannot be told, as
 * for a name other than this machine's own: nothing can be looked up without waiting. Then the wait ends at its timeout.
 */
export function isServedHere(address: string): boolean {
  const handles = (process as WithHandles)._getActiveHandles?.() ?? [];
  return handles.some((handle) => handle instanceof Server && isAt(handle.address(), address));
}

function isAt(bound: ReturnType<Server["address"]>, address: string): boolean {
  if (bound === null) return false;
  if (typeof bound === "string") return address === `unix:${bound}` || sameSocket(bound, address);
  const port = `:${String(bound.port)}`;
  return address.endsWith(port) && isHostOf(bound.address, hostOf(address.slice(0, -port.length)));
}

/** Whether a host stands for an address that a server of this machine is bound to. */
function isHostOf(bound: string, host: string): boolean {
  if (host === bound) return true;
  if (isLoopback(host)) return isLoopback(bound) || everyAddress.has(bound);
  if (isIP(host) === 0) return !isLoopback(bound) && host === hostname().toLowerCase();
  return everyAddress.has(bound) && ownAddresses().has(host);
}

function hostOf(host: string): string {
  return (host.startsWith("[") ? host.slice(1, -1) : host).toLowerCase();
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d+){3}$/.test(host);
}

function ownAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((own = []) => own.map(({ address }) => address)));
}

function sameSocket(bound: string, address: string): boolean {
  return address.startsWith("unix:") && resolve(address.slice("unix:".length)) === resolve(bound);
}
