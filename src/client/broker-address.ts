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
const hostNamePattern =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

/**
 * Reads `host:port` (an IPv6 host in brackets) or `unix:PATH`.
 *
 * Without encryption only addresses of this machine are accepted: anything further away would show secrets to the
 * network.
 * @throws SecretError `FIELD_INVALID` that says what is wrong
 */
export function parseBrokerAddress(text: string, isEncrypted = false): BrokerAddress {
  return text.startsWith(unixScheme) ? parseUnixAddress(text) : parseTcpAddress(text, isEncrypted);
}

/**
 * Reads one address, or several of brokers that serve the same secrets.
 * @throws SecretError `FIELD_INVALID`
 */
export function parseBrokerAddresses(
  addresses: string | readonly string[],
  isEncrypted: boolean,
): readonly BrokerAddress[] {
  const texts = typeof addresses === "string" ? [addresses] : addresses;
  if (texts.length === 0) throw invalidAddress("must name at least one broker");
  return [...new Set(texts)].map((text) => parseBrokerAddress(text, isEncrypted));
}

function parseUnixAddress(text: string): BrokerAddress {
  const path = text.slice(unixScheme.length);
  if (path === "" || path.includes("\0")) throw invalidAddress("must name a socket after unix:");
  return { text, target: `${unixScheme}${resolve(path)}` };
}

function parseTcpAddress(text: string, isEncrypted: boolean): BrokerAddress {
  const match = /^(?:\[([^\]]+)\]|([^:/[\]\s]+)):(\d{1,5})$/.exec(text);
  if (match === null) throw invalidAddress("must be host:port, [ipv6]:port or unix:PATH");
  const [, bracketed, plain = "", digits] = match;
  const port = Number(digits);
  if (port < 1 || port > 65_535) throw invalidAddress("must have a port from 1 to 65535");
  const host = bracketed === undefined ? parseHost(plain) : parseIpv6(bracketed);
  if (!isEncrypted && !host.isLocal) throw beyondThisMachine();
  return { text, target: `${host.target}:${String(port)}` };
}

interface Host {
  readonly target: string;
  readonly isLocal: boolean;
}

function parseHost(host: string): Host {
  if (isIPv4(host)) return { target: `ipv4:${host}`, isLocal: host.startsWith("127.") };
  if (host.toLowerCase() === "localhost") return { target: "dns:localhost", isLocal: true };
  if (!hostNamePattern.test(host)) throw invalidAddress("must have a host name of letters, digits, dashes and dots");
  return { target: `dns:${host}`, isLocal: false };
}

function parseIpv6(host: string): Host {
  if (!isIPv6(host)) throw invalidAddress("must hold an IPv6 address between the brackets");
  return { target: `ipv6:[${host}]`, isLocal: host === "::1" };
}

function beyondThisMachine(): SecretError {
  return invalidAddress(
    "must be on this machine (a loopback address or unix:PATH), as the connection is not encrypted; give tls to go further",
  );
}

function invalidAddress(description: string): SecretError {
  return SecretError.fieldInvalid([{ field: "address", description }]);
}
