import { z } from "zod";
import type { AuthenticationConfig, TokenEntry } from "./authentication-config.js";
import { certificatesSchema, forwardedSchema } from "./certificates-schema.js";
import { createJwtSchema } from "./jwt-schema.js";
import { filePathSchema } from "./path-schema.js";

const maxNameLength = 512;

const noMethod = "must name a way to prove who calls: add tokens or certificates";
const unusedForwarded = 'is not used without "certificates", by which a proxy proves itself; add those or remove it';

/** `secret_broker.authentication`. @param directory what relative paths are relative to */
export function createAuthenticationSchema(directory: string): z.ZodType<AuthenticationConfig> {
  return z
    .strictObject({
      tokens: z
        .strictObject({
          file: filePathSchema(directory).describe(
            "The file of tokens, as `secret-broker token create` writes it: hashes, no tokens. Nobody else may write it. Relative to the configuration's directory.",
          ),
        })
        .optional()
        .describe("Bearer tokens."),
      jwt: createJwtSchema(directory).optional(),
      certificates: certificatesSchema.optional(),
      forwarded: forwardedSchema.optional(),
    })
    .transform(({ tokens, jwt, ...others }, context): AuthenticationConfig => {
      if ((tokens ?? jwt ?? others.certificates) === undefined) context.addIssue(noMethod);
      if (others.forwarded !== undefined && others.certificates === undefined) {
        context.addIssue({ code: "custom", message: unusedForwarded, path: ["forwarded"] });
      }
      return { tokens: tokens && { file: tokens.file, entries: [] }, jwt: jwt ?? [], ...others };
    })
    .describe("How callers prove who they are. With it, what no policy allows is denied.");
}

/** The tokens of a file, by the name of the list. */
export const tokensSchema: z.ZodType<readonly TokenEntry[]> = z
  .array(
    z
      .strictObject({
        principal: z.string().min(1).max(maxNameLength),
        hash: z.string().regex(/^sha256:[0-9a-f]{64}$/u, {
          error: "must be sha256: and 64 hexadecimal digits, as secret-broker token create prints it",
        }),
        groups: z.array(z.string().min(1).max(maxNameLength)).max(1_000).default([]),
        expires: z.iso.datetime({ offset: true, error: "must be a time such as 2030-01-31T12:00:00Z" }).optional(),
        note: z.string().max(maxNameLength).optional(),
      })
      .transform(({ principal, hash, groups, expires }): TokenEntry => ({
        ...{ principal, hash, groups },
        expiresAtMs: expires === undefined ? undefined : Date.parse(expires),
      })),
  )
  .max(100_000)
  .transform((tokens, context): readonly TokenEntry[] => {
    const known = new Set<string>();
    for (const [index, { hash }] of tokens.entries()) {
      const message = "is the hash of a token that stands in the list already; remove one";
      if (known.has(hash)) context.addIssue({ code: "custom", message, path: [index, "hash"] });
      known.add(hash);
    }
    return tokens;
  });
