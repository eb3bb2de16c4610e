import { SecretError } from "../../domain/secret-error.js";
import { type PostgresHost, type PostgresServer, type TlsMode, tlsModes } from "./postgres-server.js";

const defaultPort = 5432;

/** scheme, user and password, hosts, database, parameters */
const form = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^@/?#]*)(?:\/([^/?#]*))?(?:\?([^#]*))?$/u;
/** A name, an IPv4 address, an escaped folder, or an IPv6 address in brackets. */
const hostForm = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]*))(?::(\d{1,5}))?$/u;

const knownParameters: ReadonlySet<string> = new Set([
  ...["host", "port", "dbname", "user", "password", "application_name", "target_session_attrs"],
  ...["sslmode", "sslrootcert", "sslcert", "sslkey"],
]);

/** What a broker needs of a server anyway. */
const writableServers: ReadonlySet<string> = new Set(["any", "read-write", "primary"]);

/**
 * Reads a connection URL as libpq writes it: `postgres://user:password@host:port/database?sslmode=verify-full`, with
 * several hosts after commas.
 * @throws SecretError `CONFIG_INVALID` that says what is wrong and quotes none of it, as a password may be anywhere
 */
export function parsePostgresUrl(url: string): PostgresServer {
  const match = form.exec(url.trim());
  if (match === null) {
    throw invalid("must be like postgres://user:password@host:5432/database, with special characters escaped by %");
  }
  const [, userInfo, authority = "", path, query = ""] = match;
  const parameters = parseParameters(query);
  const [name, password] = splitUserInfo(userInfo);
  const user = unescape(name) ?? parameters.get("user");
  if (user === undefined) throw invalid("must name a user");
  return {
    hosts: parseHosts(authority, parameters),
    database: unescape(path) ?? parameters.get("dbname") ?? user,
    user,
    password: unescape(password) ?? parameters.get("password"),
    tlsMode: parseTlsMode(parameters.get("sslmode")),
    tlsFiles: {
      rootPath: parameters.get("sslrootcert"),
      certificatePath: parameters.get("sslcert"),
      keyPath: parameters.get("sslkey"),
    },
    applicationName: parameters.get("application_name"),
  };
}

function splitUserInfo(userInfo = ""): [string, string | undefined] {
  const colon = userInfo.indexOf(":");
  return colon < 0 ? [userInfo, undefined] : [userInfo.slice(0, colon), userInfo.slice(colon + 1)];
}

function parseParameters(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of query.split("&").filter((text) => text !== "")) {
    const [name = "", ...value] = pair.split("=");
    if (!knownParameters.has(name))
      throw invalid(`has a parameter that is not one of ${[...knownParameters].join(", ")}`);
    parameters.set(name, unescape(value.join("=")) ?? "");
  }
  const wanted = parameters.get("target_session_attrs");
  if (wanted !== undefined && !writableServers.has(wanted)) {
    throw invalid("must not ask for a server that can only be read; leave target_session_attrs out");
  }
  return parameters;
}

function parseHosts(authority: string, parameters: ReadonlyMap<string, string>): readonly PostgresHost[] {
  const written = authority === "" ? (parameters.get("host") ?? "localhost") : authority;
  const port = parsePort(parameters.get("port"));
  return written.split(",").map((text) => {
    if (text.startsWith("/")) return { host: text, port };
    const match = hostForm.exec(text);
    const host = match?.[1] ?? unescape(match?.[2]);
    if (host === undefined) throw invalid("must name a host");
    return { host, port: match?.[3] === undefined ? port : parsePort(match[3]) };
  });
}

function parsePort(text: string | undefined): number {
  const port = text === undefined ? defaultPort : Number(text);
  if (Number.isInteger(port) && port > 0 && port <= 65_535) return port;
  throw invalid("must have a port from 1 to 65535");
}

function parseTlsMode(text: string | undefined): TlsMode {
  const mode = text === undefined ? "prefer" : tlsModes.find((known) => known === text);
  if (mode === undefined) throw invalid(`must have an sslmode of ${tlsModes.join(", ")}`);
  return mode;
}

/** What a part of the URL says; nothing when it is empty or left out. */
function unescape(text: string | undefined): string | undefined {
  if (text === undefined || text === "") return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    // The error would be about the text, and the text may be the password.
    throw invalid("holds a % that escapes nothing; write %25");
  }
}

function invalid(rule: string): SecretError {
  return new SecretError("CONFIG_INVALID", `the database's url ${rule}`);
}
