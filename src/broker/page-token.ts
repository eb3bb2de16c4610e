import { createHash } from "node:crypto";
import type { ListQuery } from "../contract/secret-manager.js";
import { SecretError } from "../domain/secret-error.js";

/**
 * A page token as callers hold it: the manager's own, and a mark of the query it belongs to. It holds no state of the
 * broker, so that any broker in front of the same manager can continue a listing.
 */
export function wrapPageToken(token: string | undefined, query: ListQuery): string {
  if (token === undefined) return "";
  return Buffer.from(JSON.stringify([markOf(query), token])).toString("base64url");
}

/**
 * The manager's own token.
 * @throws SecretError `FIELD_INVALID` for a token of another query, or none of ours.
 */
export function unwrapPageToken(wrapped: string, query: Omit<ListQuery, "pageSize">): string {
  const parsed = parseQuietly(Buffer.from(wrapped, "base64url").toString("utf8"));
  if (Array.isArray(parsed) && parsed[0] === markOf(query) && typeof parsed[1] === "string") return parsed[1];
  throw SecretError.fieldInvalid([
    {
      field: "page_token",
      description: "must be the next_page_token of a page with the same prefix, tags and show_deleted",
    },
  ]);
}

function markOf({ prefix, tags, showDeleted }: Omit<ListQuery, "pageSize">): string {
  const canonical = JSON.stringify([prefix, Object.entries(tags).sort(), showDeleted]);
  return createHash("sha256").update(canonical).digest("base64url").slice(0, 16);
}

function parseQuietly(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
