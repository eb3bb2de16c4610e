import type { ReadReply } from "../../contract/secret-manager.js";
import type { Payload } from "../../domain/payload.js";
import type { Tags } from "../../domain/secret.js";
import type { KeptAnswer } from "./kept-answers.js";

/** What a snapshot holds, once it is opened: written by this file, and proven by its seal to be unchanged. */
interface Document {
  /** No answer was confirmed after this, in milliseconds since the epoch. */
  readonly savedAtMs: number;
  readonly answers: readonly WrittenAnswer[];
}

interface WrittenAnswer {
  readonly name: string;
  readonly confirmedAtMs: number;
  readonly text?: string;
  readonly base64?: string;
  readonly version?: number;
  readonly uid?: string;
  readonly createTimeMs?: number;
  readonly expireTimeMs?: number;
  readonly description?: string;
  readonly tags?: Tags;
}

/** What a snapshot says. */
export interface Snapshot {
  readonly savedAtMs: number;
  readonly answers: readonly (readonly [string, KeptAnswer])[];
}

/** A snapshot as bytes; they hold payloads. */
export function formatSnapshot({ savedAtMs, answers }: Snapshot): Uint8Array {
  const document: Document = { savedAtMs, answers: answers.map(writeAnswer) };
  return Buffer.from(JSON.stringify(document), "utf8");
}

/** Reads what {@link formatSnapshot} wrote. @throws SyntaxError or TypeError for anything else */
export function parseSnapshot(bytes: Uint8Array): Snapshot {
  const { savedAtMs, answers } = JSON.parse(Buffer.from(bytes).toString("utf8")) as Document;
  if (!Number.isFinite(savedAtMs)) throw new TypeError("a snapshot must say when it was saved");
  return { savedAtMs, answers: answers.map(readAnswer) };
}

function writeAnswer([name, { reply, confirmedAtMs }]: readonly [string, KeptAnswer]): WrittenAnswer {
  const { value, version, uid, createTime, expireTime, description, tags } = reply;
  return {
    name,
    confirmedAtMs,
    ...(typeof value === "string" ? { text: value } : { base64: Buffer.from(value).toString("base64") }),
    ...(version !== undefined && { version }),
    ...(uid !== undefined && { uid }),
    ...(createTime !== undefined && { createTimeMs: createTime.getTime() }),
    ...(expireTime !== undefined && { expireTimeMs: expireTime.getTime() }),
    ...(description !== undefined && { description }),
    ...(tags !== undefined && { tags }),
  };
}

function readAnswer(written: WrittenAnswer): readonly [string, KeptAnswer] {
  const { name, confirmedAtMs, version, uid, createTimeMs, expireTimeMs, description, tags } = written;
  if (!Number.isFinite(confirmedAtMs)) throw new TypeError("an answer must say when it was confirmed");
  const reply: ReadReply = {
    value: payloadOf(written),
    ...{ version, uid, description, tags },
    createTime: createTimeMs === undefined ? undefined : new Date(createTimeMs),
    expireTime: expireTimeMs === undefined ? undefined : new Date(expireTimeMs),
  };
  return [name, { reply, confirmedAtMs }];
}

function payloadOf({ text, base64 }: WrittenAnswer): Payload {
  if (text !== undefined) return text;
  if (base64 === undefined) throw new TypeError("an answer must have a payload");
  return new Uint8Array(Buffer.from(base64, "base64"));
}
