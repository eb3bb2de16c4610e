import { z } from "zod";

/** What a list's items are called in a path: `listen.*`. */
const anyItem = "*";

/**
 * The keys of every mapping in a section, however deep: the section's own under "", those of `limits` under "limits",
 * those of the items of `policies` under "policies.*".
 */
export function mappingKeys(section: z.ZodType): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  collect(section, [], found);
  return new Map(Array.from(found, ([path, keys]) => [path, [...keys]]));
}

/** Where a mapping's keys are found: a list's items have them in common. */
export function mappingPath(path: readonly (string | number)[]): string {
  return path.map((part) => (typeof part === "number" ? anyItem : part)).join(".");
}

function collect(schema: z.ZodType, path: readonly string[], found: Map<string, Set<string>>): void {
  if (schema instanceof z.ZodObject) {
    const shape: Readonly<Record<string, unknown>> = schema.shape;
    const keys = found.get(path.join(".")) ?? new Set();
    found.set(path.join("."), keys);
    for (const [key, member] of Object.entries(shape)) {
      keys.add(key);
      collect(asType(member), [...path, key], found);
    }
  } else if (schema instanceof z.ZodUnion) {
    for (const option of schema.options) collect(asType(option), path, found);
  } else if (schema instanceof z.ZodArray) {
    collect(asType(schema.element), [...path, anyItem], found);
  } else {
    const inner = innerOf(schema);
    if (inner !== undefined) collect(inner, path, found);
  }
}

/** What a schema wraps; what is made of a mapping once it is read has no keys of its own. */
function innerOf(schema: z.ZodType): z.ZodType | undefined {
  if (schema instanceof z.ZodPipe) return asType(schema.in);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return asType(schema.unwrap());
  }
  return undefined;
}

/** Zod types what it wraps as its core's base, which every schema of ours is more than. */
function asType(schema: unknown): z.ZodType {
  if (schema instanceof z.ZodType) return schema;
  throw new TypeError("not a schema");
}
