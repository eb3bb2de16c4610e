import { type Payload, payloadByteLength } from "../../domain/payload.js";
import type { FieldChecks } from "./field-checks.js";

/** The payload as the generated code has it. */
export type PayloadField =
  { readonly $case: "text"; readonly value: string } | { readonly $case: "binary"; readonly value: Uint8Array };

/** Takes the payload of a request: one of text and binary, and within the bound. */
export function payloadField(checks: FieldChecks, field: PayloadField | undefined, maxBytes: number): Payload {
  if (field === undefined) {
    checks.violate("payload", 'must be set: give "text" or "binary"');
    return "";
  }
  if (payloadByteLength(field.value) > maxBytes) {
    checks.violate(field.$case, `must be at most ${String(maxBytes)} bytes`);
  }
  return field.value;
}
