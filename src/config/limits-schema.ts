import { z } from "zod";
import type { LimitsConfig, PrincipalLimitsConfig, RateConfig } from "./limits-config.js";
import { durationSchema, sizeSchema } from "./quantity-schema.js";

const maxRate = 1_000_000;

function countSchema(standard: number, max: number, description: string): z.ZodDefault<z.ZodNumber> {
  return z.number().int().min(1).max(max).default(standard).describe(description);
}

/** The two settings of a rate. @param whose whose calls they bound, for the documentation */
function rateSettings(whose: string): {
  readonly requests_per_second: z.ZodOptional<z.ZodNumber>;
  readonly burst: z.ZodOptional<z.ZodNumber>;
} {
  return {
    requests_per_second: z
      .number()
      .min(0.01)
      .max(maxRate)
      .optional()
      .describe(
        `How many calls a second ${whose} may make in the long run; more are refused with the time to wait. ` +
          "What is asked on a watch counts, and waits instead.",
      ),
    burst: z
      .number()
      .int()
      .min(1)
      .max(maxRate)
      .optional()
      .describe("How many of them may come at once after a pause; a second's worth unless given."),
  };
}

interface RateSettings {
  readonly requests_per_second?: number | undefined;
  readonly burst?: number | undefined;
}

const unusedBurst = 'is not used without "requests_per_second"; set that or remove it';

function readRate({ requests_per_second, burst }: RateSettings, context: z.RefinementCtx): RateConfig | undefined {
  if (requests_per_second === undefined) {
    if (burst !== undefined) context.addIssue({ code: "custom", message: unusedBurst, path: ["burst"] });
    return undefined;
  }
  return { perSecond: requests_per_second, burst: burst ?? Math.max(1, Math.ceil(requests_per_second)) };
}

/** Whatever may be read may be read in a batch. */
function readBatchBound(
  { max_payload, max_batch_payload }: { readonly max_payload: number; readonly max_batch_payload: number },
  context: z.RefinementCtx,
): number {
  if (max_batch_payload < max_payload) {
    const message = 'must be at least "max_payload", or a secret of that size could not be read in a batch';
    context.addIssue({ code: "custom", message, path: ["max_batch_payload"] });
  }
  return max_batch_payload;
}

const shareSettings = z.strictObject({
  ...rateSettings("a principal"),
  concurrent_calls: z
    .number()
    .int()
    .min(1)
    .max(maxRate)
    .optional()
    .describe("How many calls of a principal are answered at once; watches do not count."),
  concurrent_watches: z
    .number()
    .int()
    .min(1)
    .max(maxRate)
    .optional()
    .describe("How many watches a principal has open at once; more are refused."),
});

/** What one principal may use, for each or for one. */
export const principalLimitsSchema: z.ZodType<PrincipalLimitsConfig> = shareSettings.transform(
  ({ concurrent_calls, concurrent_watches, ...rate }, context): PrincipalLimitsConfig => ({
    rate: readRate(rate, context),
    concurrentCalls: concurrent_calls,
    concurrentWatches: concurrent_watches,
  }),
);

/** `secret_broker.limits`. */
export const limitsSchema: z.ZodType<LimitsConfig> = z
  .strictObject({
    max_payload: sizeSchema({
      standard: "1MiB",
      min: "1B",
      max: "64MiB",
      description: "The largest payload of a secret, in bytes.",
    }),
    max_metadata: sizeSchema({
      standard: "16KiB",
      min: "1KiB",
      max: "64KiB",
      description: "All of a call's metadata, names and values together, in bytes.",
    }),
    max_concurrent_streams: countSchema(1_000, 100_000, "How many calls are served at once on each connection."),
    batch_concurrency: countSchema(16, 256, "How many reads of one batch the manager is asked for at once."),
    max_batch_payload: sizeSchema({
      standard: "128MiB",
      min: "1MiB",
      max: "192MiB",
      description:
        "All payloads that one batch is answered with, in bytes; further reads of it fail. At least `max_payload`.",
    }),
    max_concurrent_calls: countSchema(
      20_000,
      maxRate,
      "How many calls are answered at once in all, watches not counted; more are refused.",
    ),
    max_watches: countSchema(10_000, maxRate, "How many watches are open at once in all; more are refused."),
    max_connections: countSchema(
      10_000,
      maxRate,
      "How many connections are open at once in all; then those that have not finished their handshake make way for new ones.",
    ),
    handshake_timeout: durationSchema({
      standard: "10s",
      min: "100ms",
      max: "5m",
      description: "How long a connection may take to finish its TLS handshake and begin HTTP/2.",
    }),
    idle_timeout: durationSchema({
      standard: "15m",
      min: "1s",
      max: "24h",
      description: "After what time without a call a connection is closed; clients connect again by themselves.",
    }),
    keepalive: durationSchema({
      standard: "1m",
      min: "1s",
      max: "24h",
      description: "How often a client is asked whether it is still there.",
    }),
    keepalive_timeout: durationSchema({
      standard: "20s",
      min: "100ms",
      max: "5m",
      description: "How long it may take to answer that before its connection is closed.",
    }),
    ...rateSettings("all callers together"),
    per_principal: principalLimitsSchema.prefault({}).describe("Bounds of what each principal may use."),
  })
  .prefault({})
  .transform((limits, context): LimitsConfig => ({
    maxPayloadBytes: limits.max_payload,
    maxMetadataBytes: limits.max_metadata,
    maxConcurrentStreams: limits.max_concurrent_streams,
    batchConcurrency: limits.batch_concurrency,
    maxBatchBytes: readBatchBound(limits, context),
    maxConcurrentCalls: limits.max_concurrent_calls,
    maxWatches: limits.max_watches,
    rate: readRate(limits, context),
    perPrincipal: limits.per_principal,
    connections: {
      maxConnections: limits.max_connections,
      handshakeTimeoutMs: limits.handshake_timeout,
      idleTimeoutMs: limits.idle_timeout,
      keepaliveMs: limits.keepalive,
      keepaliveTimeoutMs: limits.keepalive_timeout,
    },
  }))
  .describe("Bounds of the server.");
