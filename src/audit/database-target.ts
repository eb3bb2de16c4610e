import type { TornBytes } from "./audit-chain.js";
import type { AuditTarget, Continuation, TargetChange } from "./audit-target.js";
import { type Link, parseLink } from "./chain-link.js";

/** One row. */
type Row = Readonly<Record<string, unknown>>;

/** A connection to the database; a `?` stands for each parameter. */
export interface AuditConnection {
  all(sql: string, parameters?: readonly (string | number)[]): Promise<readonly Row[]>;
  run(sql: string, parameters?: readonly (string | number)[]): Promise<number>;
  close(): Promise<void>;
}

/** The table a trail is in, one row a line. */
export interface DatabasePlace {
  readonly description: string;
  /** A name that needs no quotes. */
  readonly schema: string;
  /** What tells one broker's lines from another's. */
  readonly trail: string;
  readonly connect: () => Promise<AuditConnection>;
}

const pageRows = 1_000;

/**
 * Appends lines to a table of PostgreSQL. Each line has the position after the one before it, and a position can be had
 * once: two brokers that write one trail refuse calls rather than mix their lines.
 */
export class DatabaseTarget implements AuditTarget {
  readonly description: string;
  readonly isKept = true;
  readonly #place: DatabasePlace;
  readonly #table: string;
  #connection: AuditConnection | undefined;
  #position = 0;
  #lastLine = "";

  constructor(place: DatabasePlace) {
    this.description = place.description;
    this.#place = place;
    this.#table = tableOf(place);
  }

  /** The position of the last line. */
  get bytes(): number {
    return this.#position;
  }

  async open(): Promise<Continuation> {
    await this.close();
    const connection = await this.#place.connect();
    this.#connection = connection;
    await makeTable(connection, this.#place.schema);
    const [last] = await this.#linesBefore(connection, undefined);
    this.#position = last?.position ?? 0;
    this.#lastLine = last?.line ?? "";
    return await this.#continuation(connection);
  }

  async append(bytes: Buffer): Promise<void> {
    const lines = bytes.toString("utf8").trimEnd();
    const sql =
      `INSERT INTO ${this.#table} (trail, position, line) ` +
      "SELECT ?::text, ?::bigint + each.number, each.line " +
      "FROM unnest(string_to_array(?::text, chr(10))) WITH ORDINALITY AS each (line, number)";
    if (this.#connection === undefined) throw new Error("the audit database is not open");
    const count = await this.#connection.run(sql, [this.#place.trail, this.#position, lines]);
    this.#position += count;
    this.#lastLine = lines.slice(lines.lastIndexOf("\n") + 1);
  }

  async check(): Promise<TargetChange | undefined> {
    if (this.#connection === undefined) return undefined;
    const [last] = await this.#linesBefore(this.#connection, undefined);
    const { position, line } = last ?? { position: 0, line: "" };
    if (position < this.#position) return { what: "lines of the audit table were deleted", isLoss: true };
    if (position > this.#position) return { what: "the audit table was written to by somebody else", isLoss: true };
    return line === this.#lastLine ? undefined : { what: "the last line of the audit table was changed", isLoss: true };
  }

  rotate(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }

  /** The lines before a position, the last one first; a page of them. */
  async #linesBefore(connection: AuditConnection, before: number | undefined): Promise<readonly Line[]> {
    const limit = before === undefined ? 1 : pageRows;
    const rows = await connection.all(
      `SELECT position, line FROM ${this.#table} WHERE trail = ?::text AND position < ?::bigint ORDER BY position DESC LIMIT ?::bigint`,
      [this.#place.trail, before ?? Number.MAX_SAFE_INTEGER, limit],
    );
    return rows.map(toLine);
  }

  /** Goes back to the last line that names the chain, which a busy broker writes every second. */
  async #continuation(connection: AuditConnection): Promise<Continuation> {
    let last: { readonly link: Link; readonly position: number } | undefined;
    const after: string[] = [];
    for (let before = this.#position + 1; before > 1;) {
      const page = await this.#linesBefore(connection, before);
      for (const { position, line } of page) {
        before = position;
        const link = parseLink(line);
        if (link === undefined && last === undefined) after.unshift(line);
        if (link === undefined) continue;
        last ??= { link, position };
        if (link.kind !== "batch") return { ...continuationFrom(last.link, link.chain), torn: tornLines(after) };
      }
      if (page.length === 0) break;
    }
    return { end: undefined, torn: tornLines(after) };
  }
}

/** Where a verification reads from. @param upTo the position of the last line to look at; all unless given */
export async function* databaseLines(
  { connect, ...place }: DatabasePlace,
  upTo: number = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<Line> {
  const connection = await connect();
  try {
    for (let after = 0; ;) {
      const rows = await connection.all(
        `SELECT position, line FROM ${tableOf(place)} WHERE trail = ?::text AND position > ?::bigint AND position <= ?::bigint ORDER BY position LIMIT ?::bigint`,
        [place.trail, after, upTo, pageRows],
      );
      for (const row of rows) {
        const line = toLine(row);
        yield line;
        after = line.position;
      }
      if (rows.length < pageRows) return;
    }
  } finally {
    await connection.close();
  }
}

/** The names of all trails in the table, each found by one look into the index. */
export async function databaseTrails({ connect, ...place }: DatabasePlace): Promise<readonly string[]> {
  const connection = await connect();
  try {
    const trails: string[] = [];
    for (let after: string | undefined = ""; after !== undefined;) {
      const sql = `SELECT trail FROM ${tableOf(place)} WHERE trail > ?::text ORDER BY trail LIMIT 1`;
      const [row] = await connection.all(sql, [after]);
      after = row === undefined ? undefined : String(row["trail"]);
      if (after !== undefined) trails.push(after);
    }
    return trails;
  } finally {
    await connection.close();
  }
}

/** A line of the table. */
export interface Line {
  readonly position: number;
  readonly line: string;
}

function toLine({ position, line }: Row): Line {
  return { position: Number(position), line: String(line) };
}

function tableOf({ schema }: Pick<DatabasePlace, "schema">): string {
  return `"${schema}".audit_line`;
}

async function makeTable(connection: AuditConnection, schema: string): Promise<void> {
  const [found] = await connection.all("SELECT to_regclass(?::text) IS NOT NULL AS found", [tableOf({ schema })]);
  // A role that may only insert and select does not have to make it.
  if (Number(found?.["found"]) === 1) return;
  await connection.run(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
  await connection.run(
    `CREATE TABLE IF NOT EXISTS ${tableOf({ schema })} (trail text NOT NULL, position bigint NOT NULL, line text NOT NULL, PRIMARY KEY (trail, position))`,
  );
}

function continuationFrom(last: Link, chain: string): Pick<Continuation, "end" | "last"> {
  return { end: { chain, link: last.link, hash: last.hash }, last };
}

function tornLines(lines: readonly string[]): TornBytes | undefined {
  if (lines.length === 0) return undefined;
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  return {
    length: bytes.length,
    async *read(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(bytes);
    },
  };
}
