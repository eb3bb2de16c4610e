import { keyBytes } from "./authenticated-cipher.js";
import { keyIdOf } from "./key-id.js";

/** One key as it stands in the file. */
export interface KeyEntry {
  readonly id: string;
  /** Base64. */
  readonly key: string;
  /** In ISO 8601. */
  readonly createTime: string;
}

const format = 1;

const damaged = "is not a key file, or not a whole one; bring it back from a copy";
const tooNew = "was written by a newer version of the broker; use that version";

/** The text of a file of keys, the current one first. */
export function formatKeyring(keys: readonly KeyEntry[]): string {
  return `${JSON.stringify({ format, keys }, undefined, 2)}\n`;
}

/** The keys of a file, the current one first; a text is what is wrong with it, and quotes nothing of it. */
export function parseKeyring(text: string): readonly KeyEntry[] | string {
  const document = parseJson(text);
  if (typeof document !== "object" || document === null || !("format" in document && "keys" in document)) {
    return damaged;
  }
  if (document.format === format) return entriesOf(document.keys) ?? damaged;
  return typeof document.format === "number" && document.format > format ? tooNew : damaged;
}

function entriesOf(keys: unknown): readonly KeyEntry[] | undefined {
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isEntry)) return undefined;
  const ids = new Set(keys.map(({ id }) => id));
  return ids.size === keys.length ? keys : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Node's message would quote the file.
    return undefined;
  }
}

function isEntry(entry: unknown): entry is KeyEntry {
  if (typeof entry !== "object" || entry === null) return false;
  if (!("id" in entry && "key" in entry && "createTime" in entry)) return false;
  const { id, key, createTime } = entry;
  if (typeof id !== "string" || typeof key !== "string" || typeof createTime !== "string") return false;
  const bytes = Buffer.from(key, "base64");
  return bytes.length === keyBytes && keyIdOf(bytes) === id;
}
