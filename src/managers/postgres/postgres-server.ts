/** One place a server may answer at. */
export interface PostgresHost {
  /** A name, an address, or the folder of a Unix socket, which begins with a slash. */
  readonly host: string;
  readonly port: number;
}

/** How a connection is protected; the words are libpq's. */
export const tlsModes = ["disable", "prefer", "require", "verify-ca", "verify-full"] as const;

/** One of {@link tlsModes}. */
export type TlsMode = (typeof tlsModes)[number];

/** Files with certificates and keys, in PEM. */
export interface TlsFiles {
  /** The authorities the server's certificate may come from; those Node.js brings when left out. */
  readonly rootPath?: string | undefined;
  readonly certificatePath?: string | undefined;
  readonly keyPath?: string | undefined;
}

/** Where a database is, and who the broker is there. */
export interface PostgresServer {
  /** Tried in their order until one answers that can be written to. */
  readonly hosts: readonly PostgresHost[];
  readonly database: string;
  readonly user: string;
  readonly password?: string | undefined;
  /** `prefer` when left out, as in libpq: it protects against listeners, not against an impostor. */
  readonly tlsMode?: TlsMode | undefined;
  readonly tlsFiles?: TlsFiles | undefined;
  /** What the server calls the broker in its own lists. */
  readonly applicationName?: string | undefined;
}

/** What messages call a database: its hosts and its name, never a user or a password. */
export function describeServer({ hosts, database }: PostgresServer): string {
  return `${hosts.map(describeHost).join(",")}/${database}`;
}

/** One host and its port. */
export function describeHost({ host, port }: PostgresHost): string {
  return `${host.includes(":") ? `[${host}]` : host}:${String(port)}`;
}
