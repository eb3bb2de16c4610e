import { z } from "zod";
import type { AuditPlace, AuditSinkConfig, SyslogConfig } from "./audit-config.js";
import { parseListenAddress } from "./listen-address.js";
import { isMapping } from "./mapping.js";
import { filePathSchema, variableSchema } from "./path-schema.js";
import { durationSchema, type Quantity, sizeSchema } from "./quantity-schema.js";
import { foundText } from "./schema-message.js";
import { schemaNameSchema, urlConfig, urlProblem } from "./store-schema.js";

const maxTrailLength = 200;

/** An entry of `secret_broker.audit.sinks`. @param directory what relative paths are relative to */
export function createAuditSinkSchema(directory: string): z.ZodType<AuditSinkConfig> {
  const common = {
    required: z
      .boolean()
      .default(true)
      .describe("Whether calls are refused while it cannot be written; what is not required may miss records."),
    deadline: durationSchema({
      standard: "2s",
      min: "10ms",
      max: "1m",
      description: "How long it may take for what is written at once.",
    }),
  };
  const stdout = z.strictObject({ kind: z.literal("stdout").describe("What it is."), ...common });
  const file = z.strictObject({
    kind: z.literal("file"),
    path: filePathSchema(directory).describe(
      "With `kind: file`: the file to append to. Relative to the configuration's directory.",
    ),
    rotate_size: rotateSizeSchema(),
    isolated: isolatedSchema(),
    ...common,
  });
  const syslog = z.strictObject({ kind: z.literal("syslog"), address: addressSchema(directory), ...common });
  return z
    .discriminatedUnion("kind", [stdout, file, syslog, databaseSchema(directory, common)], {
      error: ({ input }) =>
        isMapping(input) ? undefined : `must be a mapping such as {kind: stdout}${foundText(input)}`,
    })
    .transform((section, context): AuditSinkConfig => {
      const { required, deadline: deadlineMs } = section;
      const place = section.kind === "postgres" ? databaseOf(section, context) : placeOf(section);
      return { required, deadlineMs, ...place };
    });
}

/** How long a file of audit records gets. */
export function rotateSizeSchema(): Quantity {
  return sizeSchema({
    standard: "256MiB",
    min: "4KiB",
    max: "65536MiB",
    description: "How long the file gets before it is put aside and the next one begun.",
  });
}

/** Who writes to a file. */
export function isolatedSchema(): z.ZodDefault<z.ZodBoolean> {
  return z
    .boolean()
    .default(true)
    .describe(
      "Whether another thread writes to the file, so that a disk that hangs holds up nothing; without it a core answers a few percent more reads.",
    );
}

function addressSchema(directory: string): z.ZodType<SyslogConfig, string> {
  return z
    .string()
    .transform((text, context): SyslogConfig => {
      const parsed = parseListenAddress(text, directory);
      if ("address" in parsed) return parsed.address;
      context.addIssue({ code: "custom", message: parsed.problem });
      return z.NEVER;
    })
    .meta({
      description: "With `kind: syslog`: where a syslog daemon takes RFC 5424 messages as RFC 6587 counts them.",
      "x-type": "HOST:PORT, [IPv6]:PORT or unix:PATH",
      "x-bounds": "loopback or a Unix stream socket",
    });
}

type CommonShape = Readonly<{ required: z.ZodDefault<z.ZodBoolean>; deadline: Quantity }>;

/** A member of a union by `kind`, which must see its shape. */
type DatabaseSchema = z.ZodObject<
  CommonShape & {
    kind: z.ZodLiteral<"postgres">;
    url_environment: z.ZodOptional<z.ZodType<string, string>>;
    url_file: z.ZodOptional<z.ZodType<string, string>>;
    schema: z.ZodDefault<z.ZodString>;
    trail: z.ZodOptional<z.ZodString>;
  },
  z.core.$strict
>;

function databaseSchema(directory: string, common: CommonShape): DatabaseSchema {
  return z.strictObject({
    kind: z.literal("postgres"),
    url_environment: variableSchema.optional().meta({
      description: "With `kind: postgres`: the variable with the database's URL, which may hold a password.",
      "x-bounds": "the name of a variable; this or `url_file`",
    }),
    url_file: filePathSchema(directory)
      .optional()
      .describe("With `kind: postgres`: the file with the database's URL. Relative to the configuration's directory."),
    schema: schemaNameSchema.default("secret_broker").meta({
      description: "With `kind: postgres`: the schema the table `audit_line` is in, made when it is missing.",
      "x-bounds": "1 to 63 small letters, digits and `_`",
    }),
    trail: z.string().min(1).max(maxTrailLength).optional().meta({
      description: "With `kind: postgres`: what tells this broker's lines from another's in the table.",
      "x-default": "the id of its key",
    }),
    ...common,
  });
}

function databaseOf(section: z.infer<DatabaseSchema>, context: z.RefinementCtx): AuditPlace {
  const { kind, schema, trail } = section;
  const url = urlConfig(section);
  if (url !== undefined) return { kind, url, schema, trail, suffix: "", headPath: undefined };
  context.addIssue({ code: "custom", ...urlProblem(section) });
  return z.NEVER;
}

type Section =
  | { readonly kind: "stdout" }
  | { readonly kind: "file"; readonly path: string; readonly rotate_size: number; readonly isolated: boolean }
  | { readonly kind: "syslog"; readonly address: SyslogConfig };

function placeOf(section: Section): AuditPlace {
  switch (section.kind) {
    case "stdout":
      return { kind: "stdout" };
    case "syslog":
      return { kind: "syslog", address: section.address };
    case "file":
      return fileOf(section);
  }
}

function fileOf({
  path,
  rotate_size: rotateBytes,
  isolated: isIsolated,
}: Section & { readonly kind: "file" }): AuditPlace {
  return { kind: "file", path, rotateBytes, isIsolated, headPath: undefined };
}
