import { z } from "zod";
import { classPathProblem } from "./class-path.js";
import type { ManagerConfig, PostgresConfig, SqliteConfig, StoreConfig } from "./config.js";
import { isMapping } from "./mapping.js";
import { foundText } from "./schema-message.js";
import {
  createProcessSchema,
  createRemoteSchema,
  type ProcessSchema,
  readProcess,
  readRemote,
  type RemoteSchema,
} from "./remote-schema.js";
import {
  createPostgresSchema,
  createSqliteSchema,
  type PostgresSection,
  urlConfig,
  urlProblem,
} from "./store-schema.js";
import { createUpstreamSchema, readUpstream, type UpstreamSchema } from "./upstream-schema.js";

const maxEnvironmentPrefixLength = 256;

/** `secret_broker.manager`, read; a store's encryption stands in a section of its own. */
export type ManagerSection =
  Exclude<ManagerConfig, StoreConfig> | Omit<SqliteConfig, "encryption"> | Omit<PostgresConfig, "encryption">;

/** `secret_broker.manager`. @param directory what relative paths are relative to, and where a user's class is */
export function createManagerSchema(directory: string): z.ZodType<ManagerSection | undefined> {
  const memoryManager = z.strictObject({ kind: z.literal("memory") });
  const environmentManager = z.strictObject({
    kind: z.literal("environment"),
    prefix: z
      .string()
      .max(maxEnvironmentPrefixLength)
      .default("")
      .describe("With `kind: environment`: what stands before a secret's name in the variable's name."),
  });
  return z
    .discriminatedUnion(
      "kind",
      [
        createModuleSchema(),
        memoryManager,
        environmentManager,
        createSqliteSchema(directory),
        createPostgresSchema(directory),
        createProcessSchema(),
        createRemoteSchema(directory),
        createUpstreamSchema(directory),
      ],
      {
        error: ({ input }) =>
          isMapping(input) ? undefined : `must be a mapping such as {kind: memory}${foundText(input)}`,
      },
    )
    .transform((manager, context): ManagerSection => sectionOf(manager, directory, context))
    .optional()
    .describe(
      "Which manager stands behind the broker: `module` is a class of yours, `process` a program of yours that the broker starts, `remote` one that runs already, `upstream` another broker, `sqlite` keeps them encrypted in a file, `postgres` in a database that several brokers share, `memory` until the process ends, `environment` serves the broker's own variables. Goes before `general_settings.key_management_system`.",
    );
}

type ModuleSchema = z.ZodObject<{ kind: z.ZodLiteral<"module">; class: z.ZodString }, z.core.$strict>;

function createModuleSchema(): ModuleSchema {
  return z.strictObject({
    kind: z.literal("module").describe("Which manager."),
    class: z
      .string()
      .check((context) => {
        const message = classPathProblem(context.value);
        if (message !== undefined) context.issues.push({ code: "custom", message, input: context.value });
      })
      .meta({
        description: "With `kind: module`: the file beside the configuration, without its extension, and the class.",
        "x-bounds": "`file.Class`, exactly one dot",
      }),
  });
}

type Written =
  | z.infer<ModuleSchema>
  | z.infer<ProcessSchema>
  | z.infer<RemoteSchema>
  | z.infer<UpstreamSchema>
  | PostgresSection
  | Exclude<ManagerSection, { readonly kind: "module" | "process" | "remote" | "upstream" | "postgres" }>;

function sectionOf(manager: Written, directory: string, context: z.RefinementCtx): ManagerSection {
  switch (manager.kind) {
    case "module":
      return { kind: "module", classPath: manager.class, directory };
    case "postgres":
      return postgresOf(manager, context);
    case "process":
      return readProcess(manager, directory);
    case "remote":
      return readRemote(manager, directory, context);
    case "upstream":
      return readUpstream(manager, directory, context);
    default:
      return manager;
  }
}

function postgresOf(manager: PostgresSection, context: z.RefinementCtx): ManagerSection {
  const { kind, schema, max_connections: maxConnections, statement_timeout: statementTimeoutMs } = manager;
  const url = urlConfig(manager);
  if (url !== undefined) return { kind, url, schema, maxConnections, statementTimeoutMs };
  context.addIssue({ code: "custom", ...urlProblem(manager) });
  return z.NEVER;
}
