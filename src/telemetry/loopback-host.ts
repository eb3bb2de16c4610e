import { isIP, isIPv4 } from "node:net";

/** Whether a host can only be reached from this machine. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

/**
 * Whether a request's `Host` header names an address or `localhost`, and no other name.
 *
 * A web page can make its own name resolve to a loopback address and then read what a browser on this machine can
 * reach; its requests still carry its name. A missing header is no browser's.
 */
export function isAddressHeader(header: string | undefined): boolean {
  if (header === undefined) return true;
  const bracketed = /^\[(?<host>[^\]]*)\](?::\d+)?$/.exec(header)?.groups?.["host"];
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  const host = header.replace(/:\d+$/, "").toLowerCase();
  return host === "localhost" || isIPv4(host);
}
