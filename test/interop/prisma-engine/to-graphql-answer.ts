/** What Prisma's engine answers in its JSON protocol, to a query or to several at once. */
export interface JsonAnswer {
  readonly data?: Readonly<Record<string, unknown>>;
  readonly errors?: readonly unknown[];
  readonly batchResult?: readonly JsonAnswer[];
}

/** An answer of the JSON protocol as the GraphQL protocol has it: under the Python client's alias, without types. */
export function toGraphqlAnswer({ data, errors, batchResult }: JsonAnswer): unknown {
  if (batchResult !== undefined) return { batchResult: batchResult.map(toGraphqlAnswer) };
  if (errors !== undefined) return { errors };
  return { data: { result: withoutTypes(Object.values(data ?? {})[0]) } };
}

function withoutTypes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTypes);
  if (typeof value !== "object" || value === null) return value;
  // Dates, big numbers, bytes and documents are tagged, and all of them texts.
  if ("$type" in value && "value" in value) return value.value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutTypes(part)]));
}
