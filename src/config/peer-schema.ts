import { z } from "zod";
import type { ListenAddress, RemoteTlsConfig } from "./config.js";
import { parseListenAddress } from "./listen-address.js";
import { filePathSchema } from "./path-schema.js";
import { foundText } from "./schema-message.js";

// What is asked over gRPC: a manager in another process, or another broker.

const maxAddresses = 64;

/** Where a peer listens, at one address or several; the places where the kinds of peers differ. */
export interface PeerAddressWords {
  /** What follows `is missing; `. */
  readonly fix: string;
  readonly example: string;
  readonly description: string;
}

/** Addresses of a peer as they are written. */
export type PeerAddressSchema = z.ZodType<readonly string[], string | string[]>;

/** One address, or a list of them. */
export function peerAddressSchema({ fix, example, description }: PeerAddressWords): PeerAddressSchema {
  return z
    .union([z.string(), z.array(z.string()).min(1).max(maxAddresses)], {
      error: ({ input }) =>
        input === undefined
          ? `is missing; ${fix}`
          : `must be an address such as ${example}, or a list of them${foundText(input)}`,
    })
    .transform((given) => (Array.isArray(given) ? given : [given]))
    .meta({
      description,
      "x-type": "HOST:PORT, [IPv6]:PORT or unix:PATH, or a list of them",
      "x-bounds": "loopback or a Unix socket, unless there is `tls`",
    });
}

/** How the connection to a peer is encrypted, as it is written. */
export type PeerTlsSchema = z.ZodObject<
  {
    ca: z.ZodOptional<z.ZodType<string, string>>;
    certificate: z.ZodOptional<z.ZodType<string, string>>;
    key: z.ZodOptional<z.ZodType<string, string>>;
  },
  z.core.$strict
>;

/** `tls` of a manager that is a peer. @param kind the manager's @param peer who proves itself: `manager` */
export function peerTlsSchema(directory: string, kind: string, peer: string): PeerTlsSchema {
  const file = filePathSchema(directory);
  return z
    .strictObject({
      ca: file
        .optional()
        .describe(`The file with the certificates that may sign the ${peer}'s; those of Node.js unless given.`),
      certificate: file.optional().describe("The file with this broker's own certificate; goes with `key`."),
      key: file
        .optional()
        .describe("The file with this broker's own key; goes with `certificate`. Nobody else may read it."),
    })
    .describe(
      `With \`kind: ${kind}\`: the connection is encrypted and the ${peer} proven. PEM files, relative to the configuration's directory and read again for each connection.`,
    );
}

/** How a peer is reached. */
export interface PeerConfig {
  readonly addresses: readonly ListenAddress[];
  readonly tls: RemoteTlsConfig | undefined;
}

interface PeerSection {
  readonly address: readonly string[];
  readonly tls?: z.infer<PeerTlsSchema> | undefined;
}

/** The same as it is used. @param directory what relative paths are relative to */
export function readPeer({ address, tls }: PeerSection, directory: string, context: z.RefinementCtx): PeerConfig {
  const addresses = address.flatMap((text, index) => {
    const parsed = parsePeerAddress(text, { directory, hasTls: tls !== undefined });
    if ("address" in parsed) return parsed.address;
    const path = address.length === 1 ? ["address"] : ["address", index];
    context.addIssue({ code: "custom", message: parsed.problem, path });
    return [];
  });
  const { ca: caPath, certificate: certificatePath, key: keyPath } = tls ?? {};
  if ((certificatePath === undefined) !== (keyPath === undefined)) {
    const [missing, there] = keyPath === undefined ? ["key", "certificate"] : ["certificate", "key"];
    context.addIssue({ code: "custom", message: `is missing; it goes with "${there}"`, path: ["tls", missing] });
  }
  return { addresses, tls: tls && { caPath, certificatePath, keyPath } };
}

/** An address, or what is wrong with it. */
export type ParsedPeerAddress = { readonly address: ListenAddress } | { readonly problem: string };

/** Reads where a peer listens: any host with TLS, this machine without. */
export function parsePeerAddress(
  text: string,
  { directory, hasTls }: { readonly directory: string; readonly hasTls: boolean },
): ParsedPeerAddress {
  const parsed = parseListenAddress(text, directory);
  if ("address" in parsed) {
    const { address } = parsed;
    return address.kind === "tcp" && address.port === 0 ? { problem: "must have a port from 1 to 65535" } : parsed;
  }
  const elsewhere = hostAndPort(text);
  if (elsewhere === undefined) return parsed;
  if (hasTls) return { address: { kind: "tcp", ...elsewhere } };
  return { problem: 'must be on this machine, as the connection is not encrypted; set "tls" for other hosts' };
}

function hostAndPort(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, host = "", digits = ""] = /^(?=.{3,260}$)((?:[a-z0-9_-]+\.)*[a-z0-9_-]+):(\d{1,5})$/iu.exec(text) ?? [];
  const port = Number(digits);
  return host === "" || port < 1 || port > 65_535 ? undefined : { host: host.toLowerCase(), port };
}
