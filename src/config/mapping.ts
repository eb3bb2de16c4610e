/** A mapping of the file as plain data. */
export type Mapping = Readonly<Record<string, unknown>>;

/** Whether a value is a mapping: not a list, and nothing that YAML makes an object of its own of, such as a date. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** The mapping a value is, or an empty one. */
export function asMapping(value: unknown): Mapping {
  return isMapping(value) ? value : {};
}

/** Leaves out what has no value at any depth: in YAML a key without a value is null, and here that means the default. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item));
  if (!isMapping(value)) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(entries.map(([key, member]) => [key, withoutNulls(member)]));
}
