import { z } from "zod";
import type { UrlConfig } from "./url-config.js";
import { filePathSchema, variableSchema } from "./path-schema.js";
import { durationSchema } from "./quantity-schema.js";

const defaultPath = ".secret-broker/secrets.db";

/** The name of a schema; lower case only, so that it means the same with quotes and without. */
export const schemaNameSchema: z.ZodString = z.string().regex(/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/u, {
  error: "must be 1 to 63 small letters, digits and _, and not begin with a digit or pg_",
});

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

/** A member of a union by `kind`, which must see its shape. */
export type PostgresSchema = z.ZodObject<
  {
    kind: z.ZodLiteral<"postgres">;
    url_environment: z.ZodOptional<z.ZodType<string, string>>;
    url_file: z.ZodOptional<z.ZodType<string, string>>;
    schema: z.ZodDefault<z.ZodString>;
    max_connections: z.ZodDefault<z.ZodNumber>;
    statement_timeout: z.ZodType<number>;
  },
  z.core.$strict
>;

/** `secret_broker.manager` with `kind: postgres`. @param directory what relative paths are relative to */
export function createPostgresSchema(directory: string): PostgresSchema {
  return z.strictObject({
    kind: z.literal("postgres"),
    url_environment: variableSchema.optional().meta({
      description: "With `kind: postgres`: the variable with the database's URL, which may hold a password.",
      "x-bounds": "the name of a variable; this or `url_file`",
    }),
    url_file: filePathSchema(directory).optional().meta({
      description:
        "With `kind: postgres`: the file with the database's URL, read again for each connection. Relative to the configuration's directory.",
      "x-bounds": "a path; this or `url_environment`",
    }),
    schema: schemaNameSchema.default("secret_broker").meta({
      description: "With `kind: postgres`: the schema the tables are in, made when it is missing.",
      "x-bounds": "1 to 63 small letters, digits and `_`",
    }),
    max_connections: z
      .number()
      .int()
      .min(2)
      .max(1_000)
      .default(10)
      .describe("With `kind: postgres`: how many connections are opened at most; one more listens for changes."),
    statement_timeout: durationSchema({
      standard: "5s",
      min: "100ms",
      max: "10m",
      description: "With `kind: postgres`: how long one statement may take, and wait for a lock.",
    }),
  });
}

/** `kind: postgres` as it was read. */
export type PostgresSection = z.infer<PostgresSchema>;

/** What a section says of a database's URL. */
export type UrlSection = Pick<PostgresSection, "url_environment" | "url_file">;

/** Where a section says the URL is; undefined where it says nothing, or two things. */
export function urlConfig({ url_environment: variable, url_file: path }: UrlSection): UrlConfig | undefined {
  if (variable !== undefined && path === undefined) return { variable };
  return variable === undefined && path !== undefined ? { path } : undefined;
}

/** What is wrong with a section that has no {@link urlConfig}. */
export function urlProblem({ url_file: path }: UrlSection): { readonly message: string; readonly path: string[] } {
  return path === undefined
    ? { message: 'is missing; say which variable holds the URL, or set "url_file"', path: ["url_environment"] }
    : { message: 'cannot go with "url_environment"; keep one of them', path: ["url_file"] };
}
