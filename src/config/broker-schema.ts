import { z } from "zod";
import {
  type EncryptionConfig,
  type ListenAddress,
  type LogLevel,
  logLevels,
  type PythonConfig,
  type TimeoutsConfig,
} from "./config.js";
import type { AuditConfig } from "./audit-config.js";
import { createAuditSchema } from "./audit-schema.js";
import type { LimitsConfig } from "./limits-config.js";
import type { BreakerConfig, CacheConfig } from "./cache-config.js";
import { breakerSchema, createCacheSchema } from "./cache-schema.js";
import { createEncryptionSchema } from "./encryption-schema.js";
import { parseAdminAddress } from "./listen-address.js";
import { addressType, createListenSchema, plainAddressBounds } from "./listen-schema.js";
import { filePathSchema } from "./path-schema.js";
import { limitsSchema } from "./limits-schema.js";
import { createManagerSchema, type ManagerSection } from "./manager-schema.js";
import type { PolicyConfig, PrincipalConfig } from "./policies-config.js";
import { policiesSchema, principalsSchema } from "./policies-schema.js";
import { pythonSchema } from "./remote-schema.js";
import type { AuthenticationConfig } from "./authentication-config.js";
import { createAuthenticationSchema } from "./authentication-schema.js";
import { durationSchema } from "./quantity-schema.js";

/** Our own section, read: every default filled in and every path absolute. */
export interface BrokerSection {
  readonly manager?: ManagerSection | undefined;
  readonly encryption?: EncryptionConfig | undefined;
  readonly python?: PythonConfig | undefined;
  readonly listen: readonly ListenAddress[];
  /** The address of its `listen`; undefined for `off`. */
  readonly admin: ListenAddress | undefined;
  readonly audit: AuditConfig;
  readonly log: { readonly level: LogLevel };
  readonly limits: LimitsConfig;
  readonly timeouts: TimeoutsConfig;
  readonly metrics: { readonly secret_names: boolean };
  readonly cache: CacheConfig;
  readonly breaker?: BreakerConfig | undefined;
  readonly freezes: { readonly path: string };
  readonly policies?: readonly PolicyConfig[] | undefined;
  readonly policy_files?: readonly string[] | undefined;
  readonly authentication?: AuthenticationConfig | undefined;
  readonly principals?: readonly PrincipalConfig[] | undefined;
}

/**
 * `secret_broker`.
 * @param directory what relative paths are relative to, and where a user's class is
 */
export function createBrokerSchema(directory: string): z.ZodType<BrokerSection> {
  return z.strictObject({
    manager: createManagerSchema(directory),
    encryption: createEncryptionSchema(directory),
    python: pythonSchema.optional(),
    listen: createListenSchema(directory),
    admin: adminSchema(directory),
    audit: createAuditSchema(directory),
    log: z
      .strictObject({
        level: z.enum(logLevels).default("info").describe("How much is logged to standard error; never a secret."),
      })
      .prefault({})
      .describe("The broker's log."),
    limits: limitsSchema,
    timeouts: timeoutsSchema,
    cache: createCacheSchema(directory),
    breaker: breakerSchema.optional(),
    metrics: metricsSchema,
    authentication: createAuthenticationSchema(directory).optional(),
    policies: policiesSchema
      .optional()
      .describe("Who may do what. With this or `policy_files`, what no rule allows is denied."),
    policy_files: z
      .array(filePathSchema(directory))
      .min(1)
      .max(1_000)
      .optional()
      .describe(
        "More policies: files with `policies`, or directories of such files. Relative to the configuration's directory.",
      ),
    principals: principalsSchema.optional().describe("What is bound to single principals."),
    freezes: z
      .strictObject({
        path: filePathSchema(directory)
          .prefault(".secret-broker/freezes.json")
          .describe(
            "The file that outlasts a restart, made with the first freeze. Relative to the configuration's directory.",
          ),
      })
      .prefault({})
      .describe("Secrets that are frozen in an incident."),
  });
}

function adminSchema(directory: string): z.ZodType<ListenAddress | undefined> {
  const listen = z
    .string()
    .default("127.0.0.1:50052")
    .transform((text, context): ListenAddress | undefined => {
      const parsed = parseAdminAddress(text, directory);
      if ("address" in parsed) return parsed.address;
      context.addIssue(parsed.problem);
      return z.NEVER;
    })
    .meta({
      description: "Where to serve metrics and health over HTTP; `off` for nowhere.",
      "x-type": `${addressType}, or off`,
      "x-bounds": plainAddressBounds,
    });
  return z
    .strictObject({ listen })
    .prefault({})
    .transform((admin) => admin.listen)
    .describe("Metrics and health over HTTP.");
}

const timeoutsSchema = z
  .strictObject({
    default_deadline: durationSchema({
      standard: "10s",
      min: "100ms",
      max: "1h",
      description: "The deadline of a call that brings none.",
    }),
    drain: durationSchema({
      standard: "30s",
      min: "0s",
      max: "1h",
      description: "How long a stop waits for calls to finish before it ends them.",
    }),
    health_interval: durationSchema({
      standard: "10s",
      min: "100ms",
      max: "1h",
      description: "The time between two health checks of the manager.",
    }),
    watch_heartbeat: durationSchema({
      standard: "10s",
      min: "100ms",
      max: "1h",
      description:
        "How often a watcher is told that its stream is alive and up to when it is current, whatever else it is told.",
    }),
    watch_poll: durationSchema({
      standard: "5s",
      min: "100ms",
      max: "1h",
      description: "How often a manager that does not tell of changes is asked for what is watched.",
    }),
  })
  .prefault({})
  .transform((timeouts): TimeoutsConfig => ({
    defaultDeadlineMs: timeouts.default_deadline,
    drainMs: timeouts.drain,
    healthIntervalMs: timeouts.health_interval,
    watchHeartbeatMs: timeouts.watch_heartbeat,
    watchPollMs: timeouts.watch_poll,
  }))
  .describe("Times of the server.");

const metricsSchema = z
  .strictObject({
    secret_names: z.boolean().default(false).meta({
      description: "Whether reads are counted by the secret's name. Names then stand in the metrics.",
      "x-bounds": "the first 1,000 names",
    }),
  })
  .prefault({})
  .describe("What the metrics tell.");
