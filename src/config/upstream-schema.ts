import { z } from "zod";
import type { UpstreamConfig } from "./config.js";
import { filePathSchema } from "./path-schema.js";
import { parseManagerAddress } from "./remote-schema.js";
import { foundText } from "./schema-message.js";

const maxAddresses = 64;

type TlsSchema = z.ZodObject<
  {
    ca: z.ZodOptional<z.ZodType<string, string>>;
    certificate: z.ZodOptional<z.ZodType<string, string>>;
    key: z.ZodOptional<z.ZodType<string, string>>;
  },
  z.core.$strict
>;

/** A member of a union by `kind`, which must see its shape. */
export type UpstreamSchema = z.ZodObject<
  {
    kind: z.ZodLiteral<"upstream">;
    address: z.ZodType<readonly string[], string | string[]>;
    tls: z.ZodOptional<TlsSchema>;
    token_file: z.ZodOptional<z.ZodType<string, string>>;
  },
  z.core.$strict
>;

/** `secret_broker.manager` with `kind: upstream`. @param directory what relative paths are relative to */
export function createUpstreamSchema(directory: string): UpstreamSchema {
  return z.strictObject({
    kind: z.literal("upstream"),
    address: z
      .union([z.string(), z.array(z.string()).min(1).max(maxAddresses)], {
        error: ({ input }) =>
          input === undefined
            ? "is missing; say where the central broker listens"
            : `must be an address such as unix:central.sock, or a list of them${foundText(input)}`,
      })
      .transform((given) => (Array.isArray(given) ? given : [given]))
      .meta({
        description:
          "With `kind: upstream`: where the central broker listens. Several serve the same secrets, and the next is tried when one cannot be reached.",
        "x-type": "HOST:PORT, [IPv6]:PORT or unix:PATH, or a list of them",
        "x-bounds": "loopback or a Unix socket, unless there is `tls`",
      }),
    tls: createTlsSchema(directory).optional(),
    token_file: filePathSchema(directory)
      .optional()
      .describe(
        "With `kind: upstream`: the file with the token that proves to the central broker who this one is. Relative to the configuration's directory, and read again when it has changed.",
      ),
  });
}

function createTlsSchema(directory: string): TlsSchema {
  const file = filePathSchema(directory);
  return z
    .strictObject({
      ca: file
        .optional()
        .describe("The file with the certificates that may sign the central broker's; those of Node.js unless given."),
      certificate: file.optional().describe("The file with this broker's own certificate; goes with `key`."),
      key: file.optional().describe("The file with this broker's own key; goes with `certificate`."),
    })
    .describe(
      "With `kind: upstream`: the connection is encrypted and the central broker proven. PEM files, relative to the configuration's directory and read again for each connection.",
    );
}

/** `kind: upstream` as it is used. @param directory what relative paths are relative to */
export function readUpstream(
  section: z.infer<UpstreamSchema>,
  directory: string,
  context: z.RefinementCtx,
): UpstreamConfig {
  const { kind, address, tls, token_file: tokenPath } = section;
  const addresses = address.flatMap((text, index) => {
    const parsed = parseManagerAddress(text, { directory, hasTls: tls !== undefined });
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
  return { kind, addresses, tls: tls && { caPath, certificatePath, keyPath }, tokenPath };
}
