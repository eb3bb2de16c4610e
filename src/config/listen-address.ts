import { isIP } from "node:net";
import { resolve } from "node:path";
import type { ListenAddress } from "./config.js";

/** An address, or what is wrong with it. */
export type ParsedAddress = { readonly address: ListenAddress } | { readonly problem: string };

/** The kernel's `sun_path` holds 108 bytes with its closing zero. */
const maxSocketPathBytes = 107;

/**
 * Reads `host:port`, `[::1]:port` or `unix:PATH`.
 *
 * Without encryption a broker serves this machine alone, so a host must be a loopback one.
 * @param baseDirectory what a relative path of a socket is relative to
 */
export function parseListenAddress(text: string, baseDirectory: string): ParsedAddress {
  return text.startsWith("unix:") ? parseUnix(text.slice("unix:".length), baseDirectory) : parseTcp(text);
}

function parseUnix(given: string, baseDirectory: string): ParsedAddress {
  if (given === "") return { problem: "the path after unix: is empty; write unix:PATH" };
  const path = resolve(baseDirectory, given);
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    return { problem: `a Unix socket's whole path must be at most ${String(maxSocketPathBytes)} bytes: "${path}"` };
  }
  return { address: { kind: "unix", path } };
}

function parseTcp(text: string): ParsedAddress {
  const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || host === "" || port > 65_535) {
    return { problem: `"${text}" is no address; write HOST:PORT, [IPv6]:PORT or unix:PATH, such as 127.0.0.1:50051` };
  }
  if (!isLoopback(host)) {
    return {
      problem: `"${text}" is not on loopback, and plaintext is only served on loopback or a Unix socket; use 127.0.0.1, [::1] or unix:PATH`,
    };
  }
  return { address: { kind: "tcp", host, port } };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
