import type { ListQuery, ListReply } from "../contract/secret-manager.js";
import type { SecretDescription, Tags } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import { descriptionOf, generationColumns, sortKey } from "./generations.js";
import { numberOf } from "./row-values.js";
import type { SqlSession } from "./sql-database.js";

const from = `SELECT ${generationColumns}, v.expires_at AS expires_at
  FROM generations g LEFT JOIN versions v ON v.uid = g.uid AND v.version = g.active_version`;
const liveSql = `${from} WHERE g.deleted_at IS NULL AND g.sort_key >= ? AND g.sort_key < ?
  ORDER BY g.sort_key LIMIT ?`;
const deletedSql = `${from} WHERE g.deleted_at IS NOT NULL AND g.sort_key >= ? AND g.sort_key < ?
  AND g.restorable_until > ? ORDER BY g.sort_key, g.uid LIMIT ?`;

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
 * Answers one page, from an index or a table in the order of names, and so at the same cost wherever it begins. The page
 * token names the last entry of the page before, so it means the same whatever is written or deleted in between.
 */
export async function listSecrets(session: SqlSession, query: ListQuery, nowMs: number): Promise<ListReply> {
  const wanted = Object.entries(query.tags);
  const page: SecretDescription[] = [];
  let after = parseToken(query.pageToken);
  const limit = wanted.length === 0 ? query.pageSize + 1 : Math.max(query.pageSize + 1, minChunk);
  for (;;) {
    const chunk = await readChunk(session, query, { after, limit, nowMs });
    for (const description of chunk) {
      if (!carriesAll(description.tags, wanted)) continue;
      if (page.length === query.pageSize) return { secrets: page, nextPageToken: formatToken(page.at(-1)) };
      page.push(description);
    }
    const last = chunk.at(-1);
    if (last === undefined || chunk.length < limit) return { secrets: page };
    after = positionOf(last);
  }
}

interface Chunk {
  readonly after: Position | undefined;
  readonly limit: number;
  readonly nowMs: number;
}

/** The next entries in order, whatever their tags. */
async function readChunk(
  session: SqlSession,
  { prefix, showDeleted }: ListQuery,
  { after, limit, nowMs }: Chunk,
): Promise<readonly SecretDescription[]> {
  const [first, high] = rangeOf(prefix);
  const low = after === undefined ? first : sortKey(after.name);
  // One more than asked for makes up for the entry that the page before ended with.
  const live = (await session.all(liveSql, [low, high, limit + 1])).map(descriptionOf);
  if (!showDeleted) return live.filter(({ name }) => name !== after?.name).slice(0, limit);
  const sameName = after === undefined ? 0 : await countDeleted(session, low);
  const deleted = (await session.all(deletedSql, [low, high, nowMs, limit + 1 + sameName])).map(descriptionOf);
  return [...live, ...deleted]
    .sort(byNameAndUid)
    .filter((entry) => after === undefined || byNameAndUid(entry, after) > 0)
    .slice(0, limit);
}

/** How many deleted generations a name has, which a page that begins after one of them may have to skip. */
async function countDeleted(session: SqlSession, key: Uint8Array): Promise<number> {
  const sql = "SELECT COUNT(*) AS count FROM generations WHERE deleted_at IS NOT NULL AND sort_key = ?";
  const [row] = await session.all(sql, [key]);
  return row === undefined ? 0 : numberOf(row, "count");
}

function byNameAndUid(a: Pick<SecretDescription, "name" | "uid">, b: Pick<SecretDescription, "name" | "uid">): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return (a.uid ?? "") < (b.uid ?? "") ? -1 : Number(a.uid !== b.uid);
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
