import { z } from "zod";
import type { BreakerConfig, CacheConfig } from "./cache-config.js";
import { filePathSchema } from "./path-schema.js";
import { namePatternSchema } from "./policies-schema.js";
import { durationSchema, sizeSchema } from "./quantity-schema.js";

/** `secret_broker.cache`. @param directory what relative paths are relative to */
export function createCacheSchema(directory: string): z.ZodType<CacheConfig> {
  return cacheObject
    .extend({ snapshot: createSnapshotSchema(directory) })
    .prefault({})
    .transform((cache, context): CacheConfig => {
      for (const [setting, message] of problemsOf(cache)) {
        context.addIssue({ code: "custom", message, path: [setting] });
      }
      return {
        ttlMs: cache.ttl,
        refreshAheadMs: cache.refresh_ahead,
        staleWhileRevalidateMs: cache.stale_while_revalidate,
        maxStaleMs: cache.max_stale,
        negativeTtlMs: cache.negative_ttl,
        maxBytes: cache.max_bytes,
        jitter: cache.jitter,
        prefetch: cache.prefetch,
        snapshot: cache.snapshot,
      };
    })
    .describe("Answers that are kept and given again, to whoever may read them then.");
}

function createSnapshotSchema(
  directory: string,
): z.ZodOptional<z.ZodObject<{ path: z.ZodType<string, string> }, z.core.$strict>> {
  return z
    .strictObject({
      path: filePathSchema(directory).describe("The file, mode 0600. Relative to the configuration's directory."),
    })
    .optional()
    .describe(
      "With `kind: upstream`: answers are kept in a file too, for a start while the central broker is away; encrypted with the key of `secret_broker.encryption`, and given up to the age of `max_stale`.",
    );
}

const cacheObject = z.strictObject({
  ttl: durationSchema({
    standard: "0s",
    min: "0s",
    max: "24h",
    description: "How long an answer of the manager is given again without asking; 0s keeps none.",
  }),
  refresh_ahead: durationSchema({
    standard: "0s",
    min: "0s",
    max: "24h",
    description: "How long before the end of `ttl` a read has the manager asked anew, in the background.",
  }),
  stale_while_revalidate: durationSchema({
    standard: "0s",
    min: "0s",
    max: "24h",
    description: "How long after `ttl` an answer is still given at once while the manager is asked in the background.",
  }),
  max_stale: durationSchema({
    standard: "0s",
    min: "0s",
    max: "24h",
    description: "The age up to which an answer is given, marked as stale, while the manager fails; 0s gives none.",
  }),
  negative_ttl: durationSchema({
    standard: "0s",
    min: "0s",
    max: "1m",
    description: "How long it is remembered that a secret is not there; 0s asks each time.",
  }),
  max_bytes: sizeSchema({
    standard: "64MiB",
    min: "64KiB",
    max: "4096MiB",
    description: "What is kept at most, payloads and what goes with them; what was read longest ago goes first.",
  }),
  jitter: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.1)
    .describe("By which share of its time, drawn for each answer, it is asked for anew earlier."),
  prefetch: z.array(namePatternSchema).max(1_000).default([]).meta({
    description:
      "What is read at the start, before anybody asks for it, and again before `ttl` is over, each at a moment of its own; for managers that tell every caller the same. Patterns are for managers that can list names.",
    "x-type": "list of names or patterns: * is anything within a segment, ** any segments",
  }),
});

interface CacheTimes {
  readonly ttl: number;
  readonly refresh_ahead: number;
  readonly stale_while_revalidate: number;
  readonly max_stale: number;
  readonly negative_ttl: number;
  readonly prefetch: readonly string[];
  readonly snapshot?: unknown;
}

function problemsOf(cache: CacheTimes): [setting: string, message: string][] {
  const { ttl, refresh_ahead, stale_while_revalidate, max_stale, snapshot } = cache;
  const unused: [string, string][] =
    snapshot !== undefined && max_stale === 0 ? [["snapshot", 'is not used without "max_stale"; set that too']] : [];
  if (ttl === 0) {
    const settings = (["refresh_ahead", "stale_while_revalidate", "max_stale", "negative_ttl"] as const)
      .filter((setting): boolean => cache[setting] > 0)
      .map((setting): string => setting)
      .concat(cache.prefetch.length > 0 ? ["prefetch"] : [])
      .map((setting): [string, string] => [setting, 'is not used without "ttl"; set that or remove it']);
    return [...settings, ...unused];
  }
  const problems = unused;
  if (refresh_ahead >= ttl && refresh_ahead > 0) problems.push(["refresh_ahead", 'must be shorter than "ttl"']);
  if (max_stale > 0 && max_stale < ttl + stale_while_revalidate) {
    problems.push(["max_stale", 'must be 0s, or at least "ttl" and "stale_while_revalidate" together']);
  }
  return problems;
}

/** `secret_broker.breaker`. */
export const breakerSchema: z.ZodType<BreakerConfig> = z
  .strictObject({
    failures: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(5)
      .describe("After how many failures in a row the manager is not asked any more."),
    open_for: durationSchema({
      standard: "10s",
      min: "100ms",
      max: "1h",
      description: "How long it is not asked; then one question is let through, and its answer decides.",
    }),
    patience: durationSchema({
      standard: "1s",
      min: "10ms",
      max: "1h",
      description: "How long it must have had before a call that reached its deadline counts as a failure.",
    }),
    max_pending: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe("How many questions it may be working on at once; more are refused. Unbounded unless given."),
  })
  .transform((breaker): BreakerConfig => ({
    failures: breaker.failures,
    openForMs: breaker.open_for,
    patienceMs: breaker.patience,
    maxPending: breaker.max_pending,
  }))
  .describe("Spares a manager that fails. Off unless given.");
