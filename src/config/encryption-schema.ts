import { resolve } from "node:path";
import { z } from "zod";
import type { EncryptionConfig } from "./config.js";
import { parseListenAddress } from "./listen-address.js";
import { isMapping } from "./mapping.js";
import { filePathSchema, variableSchema } from "./path-schema.js";
import { foundText } from "./schema-message.js";

const defaultKeyPath = ".secret-broker/secrets.key";

const unixScheme = "unix:";

/**
 * `secret_broker.encryption`: where the key of a store is. Never the key itself.
 * @param directory what relative paths are relative to; absolute
 */
export function createEncryptionSchema(directory: string): z.ZodType<EncryptionConfig | undefined> {
  const path = filePathSchema(directory);
  const fileSchema = z.strictObject({
    kind: z.literal("file").describe("Where the key comes from."),
    path: path
      .prefault(defaultKeyPath)
      .describe(
        "With `kind: file`: the file with the keys, made on the first start with mode 0600. With `kind: passphrase`: the file with the passphrase, which is not made. Relative to the configuration's directory.",
      ),
  });
  const environmentSchema = z.strictObject({
    kind: z.literal("environment"),
    variable: variableSchema.meta({
      description:
        "With `kind: environment`: the variable with the key, 32 random bytes in base64 or hex; after commas, the keys it replaced. With `kind: passphrase`: the variable with the passphrase, instead of `path`.",
      "x-bounds": "the name of a variable",
    }),
  });
  const passphraseSchema = z.strictObject({
    kind: z.literal("passphrase"),
    path: path.optional(),
    variable: variableSchema.optional(),
  });
  const kmsSchema = z.strictObject({ kind: z.literal("kms"), socket: socketSchema(directory) });
  return z
    .discriminatedUnion("kind", [fileSchema, environmentSchema, passphraseSchema, kmsSchema], {
      error: ({ input }) =>
        isMapping(input) ? undefined : `must be a mapping such as {kind: file, path: secrets.key}${foundText(input)}`,
    })
    .transform((encryption, context): EncryptionConfig => {
      if (encryption.kind !== "passphrase") return encryption;
      const { kind, path: file, variable } = encryption;
      if (file !== undefined && variable === undefined) return { kind, path: file };
      if (file === undefined && variable !== undefined) return { kind, variable };
      context.addIssue(
        file === undefined
          ? { code: "custom", path: ["path"], message: 'is missing; say where the passphrase is, or set "variable"' }
          : { code: "custom", path: ["variable"], message: 'cannot go with "path"; keep one of them' },
      );
      return z.NEVER;
    })
    .optional()
    .meta({
      description:
        "Where the key is that a store is encrypted with, for `kind: sqlite` and `kind: postgres`. Losing the key loses every secret.",
      "x-default": `\`{kind: file, path: ${defaultKeyPath}}\``,
    });
}

/** What stands for a section that is not there. */
export function defaultEncryption(directory: string): EncryptionConfig {
  return { kind: "file", path: resolve(directory, defaultKeyPath) };
}

/** As plug-ins write it too, `unix:///run/kms.sock`. */
function socketSchema(directory: string): z.ZodType<string> {
  return z
    .string()
    .transform((given, context): string => {
      const text = given.startsWith(unixScheme) ? given : `${unixScheme}${given}`;
      const parsed = parseListenAddress(text, directory);
      if ("address" in parsed && parsed.address.kind === "unix") return parsed.address.path;
      context.addIssue("problem" in parsed ? parsed.problem : "must be the path of a socket");
      return z.NEVER;
    })
    .meta({
      description:
        "With `kind: kms`: the Unix socket of a key management plug-in that speaks Kubernetes' KMS v2. Relative to the configuration's directory.",
      "x-bounds": "its absolute path has at most 107 bytes",
    });
}
