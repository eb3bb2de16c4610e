import type { WatchEvent } from "../contract/secret-manager.js";
import type { SecretDescription } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import { changesAfter, revisionRange } from "./changes.js";
import { descriptionOf, generationColumns, sortKey } from "./generations.js";
import type { SqlDatabase, SqlSession } from "./sql-database.js";

const pageSize = 500;

const livePageSql = `SELECT ${generationColumns}, v.expires_at AS expires_at
  FROM generations g LEFT JOIN versions v ON v.uid = g.uid AND v.version = g.active_version
  WHERE g.deleted_at IS NULL AND g.sort_key > ? ORDER BY g.sort_key LIMIT ?`;
const liveSql = `SELECT ${generationColumns}, v.expires_at AS expires_at
  FROM generations g LEFT JOIN versions v ON v.uid = g.uid AND v.version = g.active_version
  WHERE g.sort_key = ? AND g.deleted_at IS NULL`;

/**
 * Tells of every change after a revision, from the log in the database, so that none is missed whoever made it; 0n first
 * tells of everything there is, and undefined begins now. Ends when the signal aborts.
 * @throws SecretError `REVISION_COMPACTED`
 */
export async function* watchChanges(
  database: SqlDatabase,
  afterRevision: bigint | undefined,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void> {
  const changed = new ChangeSignal(database, signal);
  try {
    const isAnew = afterRevision === undefined || afterRevision === 0n;
    // From here on changes are told, so what changes while the pages are read is told twice rather than not at all.
    let revision = isAnew ? (await database.read(revisionRange)).latest : Number(afterRevision);
    if (afterRevision === 0n) yield* everything(database, revision, signal);
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const before = revision;
      for await (const event of changes(database, revision, signal)) {
        revision = Number(event.revision);
        yield event;
      }
      if (isFirst || revision !== before) yield { kind: "synced", revision: BigInt(revision) };
      await changed.next();
    }
  } finally {
    changed.end();
  }
}

async function* everything(database: SqlDatabase, revision: number, signal: AbortSignal): AsyncGenerator<WatchEvent> {
  let after: Uint8Array = Buffer.alloc(0);
  while (!signal.aborted) {
    const from = after;
    const rows = await database.read((session) => session.all(livePageSql, [from, pageSize]));
    for (const row of rows) {
      const secret = descriptionOf(row);
      after = sortKey(secret.name);
      yield { kind: "changed", secret, revision: BigInt(revision) };
    }
    if (rows.length < pageSize) return;
  }
}

async function* changes(database: SqlDatabase, revision: number, signal: AbortSignal): AsyncGenerator<WatchEvent> {
  let after = revision;
  while (!signal.aborted) {
    const from = after;
    const events = await database.read((session) => readEvents(session, from));
    yield* events;
    const last = events.at(-1);
    if (last === undefined) return;
    after = Number(last.revision);
  }
}

/** What a change led to is read with it: a secret that has changed again since is told as it is now. */
async function readEvents(session: SqlSession, after: number): Promise<readonly WatchEvent[]> {
  const { compacted, latest } = await revisionRange(session);
  // One from the future is from before the store was brought back from a backup.
  if (after < compacted || after > latest) throw compactedError();
  const events: WatchEvent[] = [];
  for (const { name, uid, kind, revision } of await changesAfter(session, after, pageSize)) {
    const [row] = kind === "removed" ? [] : await session.all(liveSql, [sortKey(name)]);
    const secret: SecretDescription = row === undefined ? { name, uid } : descriptionOf(row);
    events.push({ kind: row === undefined ? "removed" : "changed", secret, revision: BigInt(revision) });
  }
  return events;
}

function compactedError(): SecretError {
  return new SecretError("REVISION_COMPACTED", "changes since that revision are no longer known");
}

/** Wakes whoever waits for the next change, at once when one came before it was waited for. */
class ChangeSignal {
  readonly #signal: AbortSignal;
  readonly #stopListening: () => void;
  #isDue = false;
  #wake: (() => void) | undefined;

  constructor(database: SqlDatabase, signal: AbortSignal) {
    this.#signal = signal;
    this.#stopListening = database.onChange(this.#notice);
    signal.addEventListener("abort", this.#notice);
  }

  async next(): Promise<void> {
    if (!this.#isDue) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#isDue = false;
  }

  end(): void {
    this.#stopListening();
    this.#signal.removeEventListener("abort", this.#notice);
  }

  readonly #notice = (): void => {
    this.#isDue = true;
    this.#wake?.();
  };
}
