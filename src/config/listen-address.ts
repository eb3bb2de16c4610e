import { isIP, isIPv6 } from "node:net";
import { resolve } from "node:path";
import type { ListenAddress } from "./config.js";

/** An address, or what is wrong with it. */
export type ParsedAddress = { readonly address: ListenAddress } | { readonly problem: string };

/** The kernel's `sun_path` holds 108 bytes with its closing zero. */
const maxSocketPathBytes = 107;

const maxPort = 65_535;

/**
 * Reads `host:port`, `[::1]:port` or `unix:PATH`. What is given is not quoted in a problem.
 *
 * Without encryption a broker serves this machine alone, so a host must be a loopback one.
 * @param baseDirectory what a relative path of a socket is relative to; absolute
 */
export function parseListenAddress(text: string, baseDirectory: string, isEncrypted = false): ParsedAddress {
  return text.startsWith("unix:") ? parseUnix(text.slice("unix:".length), baseDirectory) : parseTcp(text, isEncrypted);
}

/** Reads an address for metrics and health, or `off`, which is none. What is given is not quoted in a problem. */
export function parseAdminAddress(
  text: string,
  baseDirectory: string,
): { readonly address: ListenAddress | undefined } | { readonly problem: string } {
  if (text === "off") return { address: undefined };
  const parsed = parseListenAddress(text, baseDirectory);
  return "problem" in parsed ? { problem: `${parsed.problem}, or off` } : parsed;
}

/** Whether an address is of this machine alone. */
export function isLocalAddress(address: ListenAddress): boolean {
  return address.kind === "unix" || isLoopback(address.host);
}

/** Whether two addresses cannot be listened on at once. Port 0 is another port each time. */
export function isSameAddress(a: ListenAddress, b: ListenAddress): boolean {
  if (a.kind === "unix" || b.kind === "unix")
    return a.kind === b.kind && "path" in a && "path" in b && a.path === b.path;
  return a.port !== 0 && a.port === b.port && a.host === b.host;
}

function parseUnix(given: string, baseDirectory: string): ParsedAddress {
  if (given === "") return { problem: "has no path after unix:; write unix:PATH" };
  if (given.includes("\0")) return { problem: "must not contain a zero character; write unix:PATH" };
  if (given.endsWith("/")) return { problem: 'must name a socket, not a directory; remove the "/" at its end' };
  const path = resolve(baseDirectory, given);
  const length = Buffer.byteLength(path);
  if (length <= maxSocketPathBytes) return { address: { kind: "unix", path } };
  const fix = "choose a shorter path, or a shorter directory for the file";
  return {
    problem: `must be at most ${String(maxSocketPathBytes)} bytes long as an absolute path, not ${String(length)}; ${fix}`,
  };
}

function parseTcp(text: string, isEncrypted: boolean): ParsedAddress {
  const [, bracketed, plain = "", digits = ""] = /^(?:\[([^\]]*)\]|([^:[\]\s]+)):(\d{1,5})$/u.exec(text) ?? [];
  const port = Number(digits);
  const isWritten = bracketed === undefined ? plain !== "" : isIPv6(bracketed);
  if (!isWritten) return { problem: "must be HOST:PORT, [IPv6]:PORT or unix:PATH, such as 127.0.0.1:50051" };
  if (port > maxPort) return { problem: `must have a port from 0 to ${String(maxPort)}` };
  const host = (bracketed ?? plain).toLowerCase();
  if (isEncrypted || isLoopback(host)) return { address: { kind: "tcp", host, port } };
  return {
    problem:
      "must have a loopback host: plaintext listeners are only served on loopback or a Unix socket; use 127.0.0.1, [::1], localhost or unix:PATH, or give it tls",
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
