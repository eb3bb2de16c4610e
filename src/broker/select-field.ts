import { isUtf8 } from "node:buffer";
import type { Payload } from "../domain/payload.js";
import type { Secret } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";

declare global {
  /** In every supported Node.js, but not yet in TypeScript's library: the JSON source text proposal. */
  interface JSON {
    rawJSON(text: string): object;
    isRawJSON(value: unknown): boolean;
  }
}

/**
 * Narrows a secret to one member of its payload: a JSON string as its text, anything else as its JSON.
 * @throws SecretError `FIELD_NOT_FOUND` when the payload is no JSON object or has no such member; never quotes it.
 */
export function selectField(secret: Secret, field: string): Secret {
  const object = parseObject(textOf(secret.payload));
  const member = object !== undefined && Object.hasOwn(object, field) ? object[field] : undefined;
  // JSON can escape half a character, which no text on the wire can hold.
  if (member === undefined || (typeof member === "string" && !member.isWellFormed())) {
    throw new SecretError("FIELD_NOT_FOUND", `secret "${secret.name}" has no field "${field}"`, {
      metadata: { name: secret.name, field },
    });
  }
  return { ...secret, payload: typeof member === "string" ? member : JSON.stringify(member) };
}

function textOf(payload: Payload): string | undefined {
  if (typeof payload === "string") return payload;
  return isUtf8(payload) ? Buffer.from(payload).toString("utf8") : undefined;
}

function parseObject(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text, keepNumbers);
    return isObject(value) ? value : undefined;
  } catch {
    // The parser's error quotes its input; it ends here.
    return undefined;
  }
}

/** Keeps numbers as they are written: 12345678901234567890 must not come back rounded. */
function keepNumbers(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === "number" && context?.source !== undefined ? JSON.rawJSON(context.source) : value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value);
}
