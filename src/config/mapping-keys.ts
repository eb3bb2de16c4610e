import { z } from "zod";

/** The keys of every mapping in a section: the section's own under "", those of `limits` under "limits". */
export function mappingKeys(section: z.ZodType): ReadonlyMap<string, readonly string[]> {
  const shape: Readonly<Record<string, unknown>> = section instanceof z.ZodObject ? section.shape : {};
  const inner = Object.entries(shape).map(([key, schema]) => [key, keysOf(asType(schema))] as const);
  return new Map([["", Object.keys(shape)] as const, ...inner]);
}

function keysOf(schema: z.ZodType): readonly string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  if (schema instanceof z.ZodUnion) return [...new Set(schema.options.flatMap((option) => keysOf(asType(option))))];
  // What is made of a mapping once it is read has no keys of its own.
  if (schema instanceof z.ZodPipe) return keysOf(asType(schema.in));
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return keysOf(asType(schema.unwrap()));
  }
  return [];
}

/** Zod types what it wraps as its core's base, which every schema of ours is more than. */
function asType(schema: unknown): z.ZodType {
  if (schema instanceof z.ZodType) return schema;
  throw new TypeError("not a schema");
}
