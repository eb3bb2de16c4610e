import { z } from "zod";
import type { UpstreamConfig } from "./config.js";
import { filePathSchema } from "./path-schema.js";
import {
  type PeerAddressSchema,
  peerAddressSchema,
  type PeerTlsSchema,
  peerTlsSchema,
  readPeer,
} from "./peer-schema.js";

/** A member of a union by `kind`, which must see its shape. */
export type UpstreamSchema = z.ZodObject<
  {
    kind: z.ZodLiteral<"upstream">;
    address: PeerAddressSchema;
    tls: z.ZodOptional<PeerTlsSchema>;
    token_file: z.ZodOptional<z.ZodType<string, string>>;
  },
  z.core.$strict
>;

/** `secret_broker.manager` with `kind: upstream`. @param directory what relative paths are relative to */
export function createUpstreamSchema(directory: string): UpstreamSchema {
  return z.strictObject({
    kind: z.literal("upstream"),
    address: peerAddressSchema({
      fix: "say where the central broker listens",
      example: "unix:central.sock",
      description:
        "With `kind: upstream`: where the central broker listens. Several serve the same secrets, and the next is tried when one cannot be reached.",
    }),
    tls: peerTlsSchema(directory, "upstream", "central broker").optional(),
    token_file: filePathSchema(directory)
      .optional()
      .describe(
        "With `kind: upstream`: the file with the token that proves to the central broker who this one is. Relative to the configuration's directory, and read again when it has changed.",
      ),
  });
}

/** `kind: upstream` as it is used. @param directory what relative paths are relative to */
export function readUpstream(
  section: z.infer<UpstreamSchema>,
  directory: string,
  context: z.RefinementCtx,
): UpstreamConfig {
  return { kind: section.kind, ...readPeer(section, directory, context), tokenPath: section.token_file };
}
