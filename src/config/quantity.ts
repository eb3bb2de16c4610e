const millisecondsByUnit: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const bytesByUnit: Readonly<Record<string, number>> = { "": 1, B: 1, KiB: 1_024, MiB: 1_048_576 };

/** A length of time such as `500ms`, `30s`, `5m` or `1h`, in milliseconds; undefined for anything else. */
export function parseDurationMs(text: string): number | undefined {
  return parseQuantity(text, millisecondsByUnit);
}

/** A number of bytes such as `65536`, `64KiB` or `1MiB`; undefined for anything else. */
export function parseByteCount(text: string): number | undefined {
  return parseQuantity(text, bytesByUnit);
}

function parseQuantity(text: string, factors: Readonly<Record<string, number>>): number | undefined {
  const [, digits = "", unit = ""] = /^(\d{1,15}(?:\.\d{1,3})?) ?([A-Za-z]*)$/.exec(text) ?? [];
  const factor = Object.hasOwn(factors, unit) ? factors[unit] : undefined;
  if (digits === "" || factor === undefined) return undefined;
  const amount = Number(digits) * factor;
  return Number.isInteger(amount) ? amount : undefined;
}
