import { createHmac } from "node:crypto";
import type { Awaitable, DeleteOptions, WriteOptions } from "../contract/secret-manager.js";
import type { Payload } from "../domain/payload.js";
import { SecretError } from "../domain/secret-error.js";
import { andThen } from "./awaitable.js";
import { textOf } from "./row-values.js";
import type { SqlSession } from "./sql-database.js";

/** A request that can be recognised when it comes again. */
export interface KnownRequest {
  /** Whose request it is, and its id. */
  readonly scope: string;
  /** A keyed digest of everything that was asked for: without the key it tells nothing of the payload. */
  readonly digest: string;
}

/** Whose requests are told apart, and by which key. */
export interface RequestScope {
  readonly digestKey: Uint8Array;
  readonly principal: string | undefined;
}

const findSql = "SELECT digest, answer FROM answered_requests WHERE scope = ?";
const insertSql = "INSERT INTO answered_requests (scope, digest, answer, answered_at) VALUES (?, ?, ?, ?)";

/**
 * The answer the request got the first time; undefined when it is new or carries no id.
 * @throws SecretError `IDEMPOTENCY_CONFLICT` when the id stood for something else
 */
export function recallAnswer(session: SqlSession, request: KnownRequest | undefined): Awaitable<unknown> {
  if (request === undefined) return undefined;
  return andThen(session.all(findSql, [request.scope]), ([row]): unknown => {
    if (row === undefined) return undefined;
    if (textOf(row, "digest") === request.digest) return JSON.parse(textOf(row, "answer"), reviveDate);
    throw new SecretError("IDEMPOTENCY_CONFLICT", "the request id was used for a request with other content");
  });
}

/** Remembers an answer; only of a request that succeeded, so that a refused one can be tried again. */
export function rememberAnswer(
  session: SqlSession,
  request: KnownRequest | undefined,
  answer: { readonly reply: object; readonly atMs: number },
): Awaitable<unknown> {
  if (request === undefined) return undefined;
  const text = JSON.stringify(answer.reply);
  return session.run(insertSql, [request.scope, request.digest, text, answer.atMs]);
}

/** Forgets answers given before a time. */
export async function forgetAnswers(session: SqlSession, beforeMs: number): Promise<void> {
  await session.run("DELETE FROM answered_requests WHERE answered_at < ?", [beforeMs]);
}

/** Recognises a write by its id, its principal and its content. */
export function writeRequest(
  scope: RequestScope,
  { name, value }: { readonly name: string; readonly value: Payload },
  options: WriteOptions,
): KnownRequest | undefined {
  const { description, tags, expectedVersion, requestId, expireTime, activate } = options;
  if (requestId === undefined) return undefined;
  const sortedTags = tags && Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
  const asked = [name, typeof value, description, sortedTags, expectedVersion, expireTime?.getTime(), activate ?? true];
  return { scope: scopeOf(scope, requestId), digest: digestOf(scope, ["write", ...asked], value) };
}

/** Recognises a deletion by its id, its principal and its content. */
export function deleteRequest(scope: RequestScope, name: string, options: DeleteOptions): KnownRequest | undefined {
  const { recoveryWindowInDays, expectedVersion, requestId } = options;
  if (requestId === undefined) return undefined;
  const asked = ["delete", name, recoveryWindowInDays, expectedVersion];
  return { scope: scopeOf(scope, requestId), digest: digestOf(scope, asked, "") };
}

/** Nobody learns by a conflict which ids another principal used. */
function scopeOf({ principal }: RequestScope, requestId: string): string {
  return JSON.stringify([principal ?? null, requestId]);
}

function digestOf({ digestKey }: RequestScope, asked: readonly unknown[], value: Payload): string {
  // The length before the value keeps the two apart.
  const header = JSON.stringify(asked);
  return createHmac("sha256", digestKey)
    .update(`${String(header.length)}:${header}`)
    .update(value)
    .digest("base64");
}

const dateKeys: ReadonlySet<string> = new Set(["createTime", "expireTime", "destroyTime", "restorableUntil"]);

function reviveDate(key: string, value: unknown): unknown {
  return dateKeys.has(key) && typeof value === "string" ? new Date(value) : value;
}
