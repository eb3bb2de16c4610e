import { z } from "zod";
import { type LogLevel, logLevels } from "./config.js";
import { parseByteCount, parseDurationMs } from "./quantity.js";

/** Our own section with its defaults filled in: durations in milliseconds, sizes in bytes. */
export interface BrokerSection {
  readonly manager?:
    | { readonly kind: "module"; readonly class: string }
    | { readonly kind: "memory" }
    | { readonly kind: "environment"; readonly prefix: string }
    | undefined;
  readonly listen: string | readonly string[];
  readonly admin: { readonly listen: string };
  readonly audit: { readonly sink: "stdout" | "file"; readonly path?: string | undefined };
  readonly log: { readonly level: LogLevel };
  readonly limits: {
    readonly max_payload: number;
    readonly max_metadata: number;
    readonly max_concurrent_streams: number;
    readonly batch_concurrency: number;
  };
  readonly timeouts: {
    readonly default_deadline: number;
    readonly drain: number;
    readonly health_interval: number;
  };
  readonly metrics: { readonly secret_names: boolean };
}

/** A length of time within bounds, in milliseconds. */
function duration(
  standard: string,
  [min, max]: readonly [string, string],
): z.ZodPipe<z.ZodPrefault<z.ZodString>, z.ZodTransform<number, string>> {
  return z
    .string()
    .prefault(standard)
    .transform((text, context) => {
      const lengthMs = parseDurationMs(text);
      if (
        lengthMs !== undefined &&
        lengthMs >= (parseDurationMs(min) ?? 0) &&
        lengthMs <= (parseDurationMs(max) ?? 0)
      ) {
        return lengthMs;
      }
      context.addIssue(`must be a duration from ${min} to ${max}, such as ${standard}`);
      return z.NEVER;
    });
}

/** A number of bytes within bounds. */
function byteCount(
  standard: string,
  [min, max]: readonly [string, string],
): z.ZodPipe<z.ZodPrefault<z.ZodUnion<readonly [z.ZodString, z.ZodNumber]>>, z.ZodTransform<number, string | number>> {
  return z
    .union([z.string(), z.number()])
    .prefault(standard)
    .transform((given, context) => {
      const bytes = parseByteCount(String(given));
      if (bytes !== undefined && bytes >= (parseByteCount(min) ?? 0) && bytes <= (parseByteCount(max) ?? 0))
        return bytes;
      context.addIssue(`must be a number of bytes from ${min} to ${max}, such as ${standard}`);
      return z.NEVER;
    });
}

function count(standard: number, [min, max]: readonly [number, number]): z.ZodDefault<z.ZodNumber> {
  return z.number().int().min(min).max(max).default(standard);
}

const manager = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("module"), class: z.string() }),
    z.strictObject({ kind: z.literal("memory") }),
    z.strictObject({ kind: z.literal("environment"), prefix: z.string().default("") }),
  ])
  .optional()
  .describe(
    "Which manager stands behind the broker; before `key_management_system`. `{kind: module, class: file.Class}`, `{kind: memory}` or `{kind: environment, prefix: …}`.",
  );

const limits = z
  .strictObject({
    max_payload: byteCount("1MiB", ["1B", "64MiB"]).describe("The largest payload, 1B to 64MiB."),
    max_metadata: byteCount("16KiB", ["1KiB", "64KiB"]).describe(
      "All of a call's metadata, names and values, 1KiB to 64KiB.",
    ),
    max_concurrent_streams: count(1_000, [1, 100_000]).describe("Calls at once on each connection, 1 to 100,000."),
    batch_concurrency: count(16, [1, 256]).describe("Reads of one batch that the manager is asked at once, 1 to 256."),
  })
  .prefault({});

const timeouts = z
  .strictObject({
    default_deadline: duration("10s", ["100ms", "10m"]).describe("The deadline of a call that has none, 100ms to 10m."),
    drain: duration("30s", ["0s", "10m"]).describe("How long a stop waits for calls to finish, 0s to 10m."),
    health_interval: duration("10s", ["100ms", "10m"]).describe(
      "Between two health checks of the manager, 100ms to 10m.",
    ),
  })
  .prefault({});

/** `secret_broker`. */
export const brokerSchema: z.ZodType<BrokerSection> = z.strictObject({
  manager,
  listen: z
    .union([z.string(), z.array(z.string()).min(1)])
    .default(["127.0.0.1:50051"])
    .describe("Where to serve gRPC: `HOST:PORT` on loopback or `unix:PATH`, one or a list."),
  admin: z
    .strictObject({
      listen: z
        .string()
        .default("127.0.0.1:50052")
        .describe("Where to serve metrics and health over HTTP: `HOST:PORT` on loopback, `unix:PATH`, or `off`."),
    })
    .prefault({}),
  audit: z
    .strictObject({
      sink: z.enum(["stdout", "file"]).default("stdout").describe("Where audit records go, one JSON line each."),
      path: z.string().min(1).optional().describe("The file to append to, with `sink: file`; made with mode 0600."),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(logLevels).default("info").describe("How much is logged to standard error."),
    })
    .prefault({}),
  limits,
  timeouts,
  metrics: z
    .strictObject({
      secret_names: z
        .boolean()
        .default(false)
        .describe("Whether reads are counted by secret name, for the first 1,000 names."),
    })
    .prefault({}),
});
