import { resolve } from "node:path";
import { z } from "zod";
import type { KeyConfig, ManagerConfig } from "./config.js";

const maxPathLength = 4_096;
const defaultPath = ".secret-broker/secrets.db";
const defaultKeyPath = ".secret-broker/secrets.key";

/** What `kind: sqlite` is configured with, as it stands. */
export interface SqliteSection {
  readonly kind: "sqlite";
  readonly path: string;
  readonly key_file?: string | undefined;
  readonly key_environment?: string | undefined;
}

/** A member of a union by `kind`, which must see its shape. */
export type SqliteSchema = z.ZodObject<
  {
    kind: z.ZodLiteral<"sqlite">;
    path: z.ZodType<string>;
    key_file: z.ZodType<string | undefined>;
    key_environment: z.ZodType<string | undefined>;
  },
  z.core.$strict
>;

const pathSchema = z
  .string()
  .min(1)
  .max(maxPathLength)
  .refine((path) => !path.includes("\0"), { error: "must not contain a zero character; write the path of a file" });

/** `secret_broker.manager` with `kind: sqlite`. */
export const sqliteSchema: SqliteSchema = z.strictObject({
  kind: z.literal("sqlite"),
  path: pathSchema
    .default(defaultPath)
    .describe(
      "With `kind: sqlite`: the file the secrets are in, made with mode 0600. Relative to the configuration's directory.",
    ),
  key_file: pathSchema
    .optional()
    .describe(
      `With \`kind: sqlite\`: the file with the keys that secrets are encrypted with, made on the first start with mode 0600; \`${defaultKeyPath}\` unless \`key_environment\` is set. Losing it loses every secret. Relative to the configuration's directory.`,
    ),
  key_environment: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/u, { error: "must be the name of an environment variable" })
    .optional()
    .meta({
      description:
        "With `kind: sqlite`: the variable that holds the key, 32 random bytes in base64 or hex; after commas, the keys it replaced.",
      "x-bounds": "the name of a variable; not with `key_file`",
    }),
});

/**
 * The manager of a section; undefined where its keys contradict each other.
 * @param directory what relative paths are relative to
 */
export function sqliteManager(section: SqliteSection, directory: string): ManagerConfig | undefined {
  const { kind, path } = section;
  const key = keyConfig(section, directory);
  return key && { kind, path: resolve(directory, path), key };
}

function keyConfig({ key_file, key_environment }: SqliteSection, directory: string): KeyConfig | undefined {
  if (key_environment === undefined) return { kind: "file", path: resolve(directory, key_file ?? defaultKeyPath) };
  return key_file === undefined ? { kind: "environment", variable: key_environment } : undefined;
}
