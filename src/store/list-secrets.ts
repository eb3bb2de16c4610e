import type { ListQuery, ListReply } from "../contract/secret-manager.js";
import type { SecretDescription, Tags } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import { descriptionOf, generationColumns, sortKey } from "./generations.js";
import type { SqlSession, SqlValue } from "./sql-database.js";

const from = `SELECT ${generationColumns}, v.expires_at AS expires_at
  FROM generations g LEFT JOIN versions v ON v.uid = g.uid AND v.version = g.active_version`;
const liveSql = `${from} WHERE g.deleted_at IS NULL AND g.sort_key >= ? AND g.sort_key < ? AND g.sort_key > ?
  ORDER BY g.sort_key LIMIT ?`;
const allSql = `${from} WHERE g.sort_key >= ? AND g.sort_key < ? AND (g.sort_key > ? OR (g.sort_key = ? AND g.uid > ?))
  AND (g.deleted_at IS NULL OR g.restorable_until > ?) ORDER BY g.sort_key, g.uid LIMIT ?`;

/** Where a page begins: after this entry. */
interface Position {
  readonly name: string;
  /** Empty where only one generation of a name is listed. */
  readonly uid: string;
}

/** A name cannot hold it, so it parts a name from a uid. */
const separator = "\n";

/** Above every sort key of a name. */
const end = Buffer.alloc(1_032, 0xff);

/** How many rows are looked at in one go when a filter leaves few of them. */
const minChunk = 200;

/**
 * Answers one page, from an index and so at the same cost wherever it begins. The page token names the last entry of
 * the page before, so it means the same whatever is written or deleted in between.
 */
export async function listSecrets(session: SqlSession, query: ListQuery, nowMs: number): Promise<ListReply> {
  const wanted = Object.entries(query.tags);
  const page: SecretDescription[] = [];
  let after = parseToken(query.pageToken);
  const chunk = wanted.length === 0 ? query.pageSize + 1 : Math.max(query.pageSize + 1, minChunk);
  for (;;) {
    const rows = await session.all(...statement(query, after, { limit: chunk, nowMs }));
    for (const description of rows.map(descriptionOf)) {
      if (!carriesAll(description.tags, wanted)) continue;
      if (page.length === query.pageSize) return { secrets: page, nextPageToken: formatToken(page.at(-1)) };
      page.push(description);
    }
    if (rows.length < chunk) return { secrets: page };
    const last = rows.at(-1);
    after = last && positionOf(descriptionOf(last));
  }
}

function statement(
  { prefix, showDeleted }: ListQuery,
  after: Position | undefined,
  { limit, nowMs }: { readonly limit: number; readonly nowMs: number },
): [string, SqlValue[]] {
  const [low, high] = rangeOf(prefix);
  const afterKey = after === undefined ? Buffer.alloc(0) : sortKey(after.name);
  if (!showDeleted) return [liveSql, [low, high, afterKey, limit]];
  return [allSql, [low, high, afterKey, afterKey, after?.uid ?? "", nowMs, limit]];
}

/** The sort keys of all names that begin with a prefix: from the first to before the second. */
function rangeOf(prefix: string): [Uint8Array, Uint8Array] {
  const low = sortKey(prefix);
  const high = Uint8Array.from(low);
  for (let index = high.length - 1; index >= 0; index -= 1) {
    const byte = high[index] ?? 0;
    if (byte < 0xff) {
      high[index] = byte + 1;
      return [low, high.subarray(0, index + 1)];
    }
  }
  return [low, end];
}

function positionOf({ name, uid = "" }: SecretDescription): Position {
  return { name, uid };
}

function formatToken(last: SecretDescription | undefined): string | undefined {
  return last && `${last.name}${separator}${last.uid ?? ""}`;
}

function parseToken(token: string | undefined): Position | undefined {
  if (token === undefined || token === "") return undefined;
  const at = token.indexOf(separator);
  if (at < 0) throw SecretError.fieldInvalid([{ field: "page_token", description: "must come from the page before" }]);
  return { name: token.slice(0, at), uid: token.slice(at + 1) };
}

function carriesAll(tags: Tags | undefined, wanted: readonly (readonly [string, string])[]): boolean {
  return wanted.every(([key, value]) => tags !== undefined && Object.hasOwn(tags, key) && tags[key] === value);
}
