import { z } from "zod";
import { filePathSchema } from "./path-schema.js";

const defaultPath = ".secret-broker/secrets.db";

/** A member of a union by `kind`, which must see its shape. */
export type SqliteSchema = z.ZodObject<
  { kind: z.ZodLiteral<"sqlite">; path: z.ZodPrefault<z.ZodType<string, string>> },
  z.core.$strict
>;

/** `secret_broker.manager` with `kind: sqlite`. @param directory what relative paths are relative to */
export function createSqliteSchema(directory: string): SqliteSchema {
  return z.strictObject({
    kind: z.literal("sqlite"),
    path: filePathSchema(directory)
      .prefault(defaultPath)
      .describe(
        "With `kind: sqlite`: the file the secrets are in, made with mode 0600. Relative to the configuration's directory.",
      ),
  });
}
