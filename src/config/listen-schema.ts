import { z } from "zod";
import { clientCertificateModes, type ListenAddress, type TlsConfig } from "./config.js";
import { isSameAddress, parseListenAddress } from "./listen-address.js";
import { filePathSchema } from "./path-schema.js";

/** How an address is written. */
export const addressType = "HOST:PORT, [IPv6]:PORT or unix:PATH";

/** Where plaintext is served. */
export const plainAddressBounds = "loopback or a Unix socket, whose absolute path has at most 107 bytes";

/** `secret_broker.listen`. @param directory what relative paths are relative to */
export function createListenSchema(directory: string): z.ZodType<readonly ListenAddress[]> {
  const written = z.string().transform((text, context) => addressOf(context, parseListenAddress(text, directory)));
  const entry = z.union([written, createEntrySchema(directory)]);
  return z
    .union([written, createEntrySchema(directory), z.array(entry).min(1)])
    .prefault(["127.0.0.1:50051"])
    .transform((given, context) => {
      const addresses = Array.isArray(given) ? given : [given];
      for (const [index, each] of addresses.entries()) {
        if (!addresses.slice(0, index).some((other) => isSameAddress(each, other))) continue;
        context.addIssue({ code: "custom", message: "stands twice in the list; remove one", path: [index] });
      }
      return addresses;
    })
    .meta({
      description:
        "Where to serve gRPC, one address or a list. What is encrypted, one principal's, open to other users, or asks for metadata is a mapping.",
      "x-type": `${addressType}, a mapping, or a list of them`,
      "x-bounds": `without \`tls\`: ${plainAddressBounds}`,
    });
}

/** An address with more to say about it. */
function createEntrySchema(directory: string): z.ZodType<ListenAddress> {
  const name = z.string().min(1).max(512);
  return z
    .strictObject({
      address: z.string().describe("The address: `HOST:PORT`, `[IPv6]:PORT` or `unix:PATH`."),
      principal: name.optional().describe("Who everyone is who can open the socket; for Unix sockets."),
      groups: z.array(name).max(1_000).optional().describe("The groups that principal is in."),
      mode: modeSchema.optional(),
      tls: createTlsSchema(directory).optional(),
      require_metadata: z
        .boolean()
        .default(false)
        .describe(
          "Whether calls must carry the metadata `x-secret-broker-request: true`, which our clients always send, and what was made to send a request for somebody else does not. Health and reflection do not ask for it.",
        ),
    })
    .transform(({ address: text, require_metadata: requiresMetadata, ...entry }, context): ListenAddress => {
      const parsed = parseListenAddress(text, directory, entry.tls !== undefined);
      if ("problem" in parsed) return refuse(context, "address", parsed.problem);
      const guard = requiresMetadata ? ({ requiresMetadata } as const) : undefined;
      return { ...withMore(parsed.address, { ...entry, isGuarded: requiresMetadata }, context), ...guard };
    });
}

const modeRule =
  'must be text in quotes from "0600" to "0666": the owner\'s 6, then for the group and for everyone 0, 2, 4 or 6, such as "0660"';

/** `mode` of a socket: who else may connect. Never less than its owner needs, and nothing that means nothing for sockets. */
const modeSchema: z.ZodType<number, string> = z
  .string({ error: modeRule })
  .regex(/^0?6[0246]{2}$/u, { error: modeRule })
  .transform((octal) => Number.parseInt(octal, 8))
  .meta({
    description:
      "Who may open the socket besides the broker's user: the mode of its file, in octal digits. They also need the right to enter its directory; for Unix sockets.",
    "x-default": '`"0600"`',
    "x-bounds": '`"0600"` to `"0666"`, for reading and writing; whoever may write it may connect',
  });

/** What a mapping says of an address beside the address. */
interface Entry {
  readonly principal?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly mode?: number | undefined;
  readonly tls?: TlsConfig | undefined;
  readonly isGuarded: boolean;
}

function withMore(address: ListenAddress, entry: Entry, context: z.RefinementCtx): ListenAddress {
  return address.kind === "unix" ? withOwner(address, entry, context) : withTls(address, entry, context);
}

type UnixAddress = Extract<ListenAddress, { kind: "unix" }>;
type TcpAddress = Extract<ListenAddress, { kind: "tcp" }>;

function withOwner(
  address: UnixAddress,
  { principal, groups, mode, tls, isGuarded }: Entry,
  context: z.RefinementCtx,
): ListenAddress {
  if (tls !== undefined) return refuse(context, "tls", "is not used by a Unix socket; remove it");
  const socket = mode === undefined ? address : { ...address, mode };
  if (principal !== undefined) return { ...socket, workload: { principal, groups: groups ?? [] } };
  if ((isGuarded || mode !== undefined) && groups === undefined) return socket;
  return refuse(context, "principal", "is missing; say whose the socket is");
}

function withTls(
  address: TcpAddress,
  { principal, groups, mode, tls, isGuarded }: Entry,
  context: z.RefinementCtx,
): ListenAddress {
  if (mode !== undefined) return refuse(context, "mode", "is for Unix sockets; remove it");
  if (principal !== undefined || groups !== undefined) {
    return refuse(context, "address", "must be a Unix socket to be one principal's; write unix:PATH");
  }
  if (tls !== undefined) return { ...address, tls };
  if (isGuarded) return address;
  return refuse(context, "tls", "is missing; add it, or write the address alone");
}

function createTlsSchema(directory: string): z.ZodType<TlsConfig> {
  const file = filePathSchema(directory);
  return z
    .strictObject({
      certificate: file.describe("The server's certificate with its issuers, PEM."),
      key: file.describe("Its private key, PEM; nobody else may read it."),
      client_ca: file.optional().describe("The authorities of client certificates, PEM."),
      client_certificates: z
        .enum(clientCertificateModes)
        .optional()
        .describe("Whether clients must show a certificate; `required` with `client_ca`, otherwise `none`."),
    })
    .transform(({ certificate, key, client_ca: clientCa, client_certificates: given }, context): TlsConfig => {
      const clientCertificates = given ?? (clientCa === undefined ? "none" : "required");
      if (clientCertificates !== "none" && clientCa === undefined) {
        return refuse(context, "client_ca", "is missing; name the authorities of client certificates");
      }
      if (clientCertificates === "none" && clientCa !== undefined) {
        return refuse(context, "client_ca", 'is not used with "client_certificates: none"; remove one of them');
      }
      return { certificate, key, clientCa, clientCertificates };
    })
    .describe("TLS 1.3. Files are relative to the configuration's directory, and taken over when they change.");
}

function addressOf(context: z.RefinementCtx, parsed: ReturnType<typeof parseListenAddress>): ListenAddress {
  if ("address" in parsed) return parsed.address;
  context.addIssue(parsed.problem);
  return z.NEVER;
}

function refuse(context: z.RefinementCtx, key: string, message: string): never {
  context.addIssue({ code: "custom", message, path: [key] });
  return z.NEVER;
}
