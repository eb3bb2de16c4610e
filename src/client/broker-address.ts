import { isIPv4, isIPv6 } from "node:net";
import { resolve } from "node:path";
import { SecretError } from "../domain/secret-error.js";

/** Where a broker is, checked. */
export interface BrokerAddress {
  /** As it was written, for messages. */
  readonly text: string;
  /** As gRPC wants it. */
  readonly target: string;
}

const unixScheme = "unix:";

/**
 * Reads `host:port` (an IPv6 host in brackets) or `unix:PATH`.
 *
 * Only addresses of this machine are accepted: the connection is not encrypted, and anything further away would show
 * secrets to the network.
 * @throws SecretError `FIELD_INVALID` that says what is wrong
 */
export function parseBrokerAddress(text: string): BrokerAddress {
  return text.startsWith(unixScheme) ? parseUnixAddress(text) : parseTcpAddress(text);
}

function parseUnixAddress(text: string): BrokerAddress {
  const path = text.slice(unixScheme.length);
  if (path === "" || path.includes("\0")) throw invalidAddress("must name a socket after unix:");
  return { text, target: `${unixScheme}${resolve(path)}` };
}

function parseTcpAddress(text: string): BrokerAddress {
  const match = /^(?:\[([^\]]+)\]|([^:/[\]\s]+)):(\d{1,5})$/.exec(text);
  if (match === null) throw invalidAddress("must be host:port, [ipv6]:port or unix:PATH");
  const [, bracketed, plain = "", digits] = match;
  const port = Number(digits);
  if (port < 1 || port > 65_535) throw invalidAddress("must have a port from 1 to 65535");
  const target = bracketed === undefined ? targetOfHost(plain, port) : targetOfIpv6(bracketed, port);
  return { text, target };
}

function targetOfHost(host: string, port: number): string {
  if (isIPv4(host) && host.startsWith("127.")) return `ipv4:${host}:${String(port)}`;
  if (host.toLowerCase() === "localhost") return `dns:localhost:${String(port)}`;
  throw beyondThisMachine();
}

function targetOfIpv6(host: string, port: number): string {
  if (!isIPv6(host)) throw invalidAddress("must hold an IPv6 address between the brackets");
  if (host !== "::1") throw beyondThisMachine();
  return `ipv6:[${host}]:${String(port)}`;
}

function beyondThisMachine(): SecretError {
  return invalidAddress(
    "must be on this machine (a loopback address or unix:PATH), as the connection is not encrypted",
  );
}

function invalidAddress(description: string): SecretError {
  return SecretError.fieldInvalid([{ field: "address", description }]);
}
