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
import { isSameAddress, parseListenAddress } from "./listen-address.js";
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

/** A socket that is one workload's. */
function createWorkloadSchema(address: z.ZodType<ListenAddress, string>): z.ZodType<ListenAddress> {
  return z
    .strictObject({
      address: address.describe("The socket, `unix:PATH`."),
      principal: z.string().min(1).max(512).describe("Who everyone is who can open the socket."),
      groups: z.array(z.string().min(1).max(512)).max(1_000).default([]).describe("The groups it is in."),
    })
    .transform(({ address: at, principal, groups }, context): ListenAddress => {
      if (at.kind === "unix") return { ...at, workload: { principal, groups } };
      const message = "must be a Unix socket to be one principal's; write unix:PATH";
      context.addIssue({ code: "custom", message, path: ["address"] });
      return z.NEVER;
    });
}

const addressType = "HOST:PORT, [IPv6]:PORT or unix:PATH";
const addressBounds = "loopback or a Unix socket, whose absolute path has at most 107 bytes";

/**
 * `secret_broker`.
 * @param directory what relative paths are relative to, and where a user's class is
 */
export function createBrokerSchema(directory: string): z.ZodType<BrokerSection> {
  return z.strictObject({
    manager: createManagerSchema(directory),
    encryption: createEncryptionSchema(directory),
    python: pythonSchema.optional(),
    listen: listenSchema(directory),
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

function listenSchema(directory: string): z.ZodType<readonly ListenAddress[]> {
  const written = z.string().transform((text, context): ListenAddress => {
    const parsed = parseListenAddress(text, directory);
    if ("address" in parsed) return parsed.address;
    context.addIssue(parsed.problem);
    return z.NEVER;
  });
  const workload = createWorkloadSchema(written);
  return z
    .union([written, workload, z.array(z.union([written, workload])).min(1)])
    .prefault(["127.0.0.1:50051"])
    .transform((given, context) => {
      const addresses = Array.isArray(given) ? given : [given];
      for (const [index, each] of addresses.entries()) {
        if (!addresses.slice(0, index).some((other) => isSameAddress(each, other))) continue;
        context.addIssue({ code: "custom", message: "stands twice in the list; remove one", path: [index] });
      }
      return addresses;
    })
    .meta({
      description: "Where to serve gRPC, one address or a list.",
      "x-type": `${addressType}, or a list of them`,
      "x-bounds": addressBounds,
    });
}

function adminSchema(directory: string): z.ZodType<ListenAddress | undefined> {
  const listen = z
    .string()
    .default("127.0.0.1:50052")
    .transform((text, context): ListenAddress | undefined => {
      if (text === "off") return undefined;
      const parsed = parseListenAddress(text, directory);
      if ("address" in parsed) return parsed.address;
      context.addIssue(`${parsed.problem}, or off`);
      return z.NEVER;
    })
    .meta({
      description: "Where to serve metrics and health over HTTP; `off` for nowhere.",
      "x-type": `${addressType}, or off`,
      "x-bounds": addressBounds,
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
      description: "How long a watcher is told nothing at most: then it is told that nothing has changed.",
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
