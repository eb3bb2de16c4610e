import type { FieldChecks } from "./field-checks.js";

/** Takes a virtual key: not empty, and within the bound of a payload. */
export function keyField(checks: FieldChecks, key: string, maxBytes: number): string {
  if (key === "") checks.violate("key", "must not be empty");
  if (Buffer.byteLength(key) > maxBytes) checks.violate("key", `must be at most ${String(maxBytes)} bytes`);
  return key;
}
