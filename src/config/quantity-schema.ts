import { z } from "zod";
import { parseByteCount, parseDurationMs } from "./quantity.js";
import { foundText } from "./schema-message.js";

/** A setting with a unit: what it means, its default and its bounds, as they are written. */
export interface QuantityFacts {
  readonly standard: string;
  readonly min: string;
  readonly max: string;
  readonly description: string;
}

/** A schema that may be left out and gives a number in the base unit. */
export type Quantity = z.ZodPipe<z.ZodPrefault<Written>, z.ZodTransform<number, string | number>>;

type Written = z.ZodType<string | number, string | number>;

interface QuantityKind {
  /** As the documentation calls it. */
  readonly type: string;
  readonly noun: string;
  /** For editors; the bounds are checked here alone. */
  readonly pattern: string;
  readonly parse: (text: string) => number | undefined;
}

const durations: QuantityKind = {
  type: "duration",
  noun: "a duration with its unit (ms, s, m, h)",
  pattern: String.raw`^\d+(\.\d+)? ?(ms|s|m|h)$`,
  parse: parseDurationMs,
};

const sizes: QuantityKind = {
  type: "size",
  noun: "a number of bytes (B, KiB, MiB)",
  pattern: String.raw`^\d+(\.\d+)? ?(B|KiB|MiB)?$`,
  parse: parseByteCount,
};

/** A length of time within bounds, in milliseconds. */
export function durationSchema(facts: QuantityFacts): Quantity {
  const written = z.string({ error: ({ input }) => `${expectation(durations, facts)}${foundText(input)}` });
  return quantity(written, durations, facts);
}

/** A number of bytes within bounds; a plain number is taken as bytes. */
export function sizeSchema(facts: QuantityFacts): Quantity {
  const error = ({ input }: { readonly input?: unknown }): string => `${expectation(sizes, facts)}${foundText(input)}`;
  return quantity(z.union([z.string(), z.number()], { error }), sizes, facts);
}

function quantity(written: Written, kind: QuantityKind, facts: QuantityFacts): Quantity {
  const [min = 0, max = 0] = [kind.parse(facts.min), kind.parse(facts.max)];
  return written
    .prefault(facts.standard)
    .transform((given, context) => {
      const amount = kind.parse(String(given));
      if (amount !== undefined && amount >= min && amount <= max) return amount;
      context.addIssue(expectation(kind, facts));
      return z.NEVER;
    })
    .meta({
      description: facts.description,
      pattern: kind.pattern,
      "x-type": kind.type,
      "x-bounds": `${facts.min} to ${facts.max}`,
    });
}

function expectation({ noun }: QuantityKind, { min, max, standard }: QuantityFacts): string {
  return `must be ${noun} from ${min} to ${max}, such as ${standard}`;
}
