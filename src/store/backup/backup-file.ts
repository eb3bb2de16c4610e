import { SecretError } from "../../domain/secret-error.js";
import type { SealedPayload, StoreCipher } from "../store-cipher.js";
import { type BackupPart, decodePart, encodePart } from "./backup-parts.js";

/** What stands in clear at the beginning of a backup. */
export interface BackupHeader {
  readonly format: number;
  /** Of the store's schema. */
  readonly schemaVersion: number;
  readonly storeId: string;
  readonly backupId: string;
  /** In ISO 8601. */
  readonly createTime: string;
}

/** The form of the file. */
export const backupFormat = 1;

/** So that nobody takes it for anything else. */
const magic = "secret-broker backup\n";

const lengthBytes = 4;

/** Reads the next bytes of a file; fewer only at its end. */
export type ReadBytes = (length: number) => Uint8Array;

/** The beginning of a backup. */
export function encodeHeader(header: BackupHeader): Uint8Array {
  return Buffer.concat([Buffer.from(magic), withLength(Buffer.from(JSON.stringify(header)))]);
}

/**
 * Reads the beginning of a backup.
 * @throws SecretError `PAYLOAD_CORRUPT` for what is none, `CONFIG_INVALID` for one of a newer broker
 */
export function readHeader(read: ReadBytes): BackupHeader {
  if (Buffer.from(read(magic.length)).toString("latin1") !== magic) throw corrupt("is not a backup of a store");
  const header = parseHeader(readBlock(read));
  if (header.format === backupFormat) return header;
  throw new SecretError("CONFIG_INVALID", "the backup was made by a newer version of the broker; use that version");
}

/**
 * The parts of a backup, each sealed like a payload under a data key of its own, and bound to its place: none can be
 * changed, left out or exchanged, also not with one of another backup, and the last one says that it is.
 */
export class BackupSeal {
  readonly #cipher: StoreCipher;
  readonly #header: BackupHeader;
  #index = 0;

  constructor(cipher: StoreCipher, header: BackupHeader) {
    this.#cipher = cipher;
    this.#header = header;
  }

  /** Seals the next part. */
  async seal(part: BackupPart): Promise<Uint8Array> {
    const sealed = await this.#cipher.seal(this.#binding(part.kind === "end"), encodePart(part));
    const { keyId, wrappedKey, ciphertext } = sealed;
    const isLast = Uint8Array.of(part.kind === "end" ? 1 : 0);
    return Buffer.concat([isLast, ...[Buffer.from(keyId, "utf8"), wrappedKey, ciphertext].map(withLength)]);
  }

  /**
   * Opens the next part of a file.
   * @throws SecretError `PAYLOAD_CORRUPT`, `MANAGER_UNAVAILABLE` when the key is not there
   */
  async open(read: ReadBytes): Promise<BackupPart> {
    const [isLast] = read(1);
    if (isLast === undefined) throw corrupt("ends before its end");
    const keyId = Buffer.from(readBlock(read)).toString("utf8");
    const sealed: SealedPayload = { keyId, wrappedKey: readBlock(read), ciphertext: readBlock(read) };
    const part = decodePart(await this.#cipher.open(this.#binding(isLast === 1), sealed));
    if (isLast === 1 && read(1).length > 0) throw corrupt("goes on after its end");
    return part;
  }

  #binding(isLast: boolean): Parameters<StoreCipher["seal"]>[0] {
    this.#index += 1;
    const { storeId, backupId, createTime, schemaVersion } = this.#header;
    const name = `backup of ${createTime}, schema ${String(schemaVersion)}`;
    return { storeId, uid: backupId, name, version: this.#index, isText: isLast };
  }
}

function parseHeader(bytes: Uint8Array): BackupHeader {
  try {
    const header: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (isHeader(header)) return header;
  } catch {
    // Node's message would quote it.
  }
  throw corrupt("is damaged at its beginning");
}

function isHeader(header: unknown): header is BackupHeader {
  const fields = new Map<string, unknown>(Object.entries(header ?? {}));
  const texts = ["storeId", "backupId", "createTime"].map((name) => fields.get(name));
  const numbers = ["format", "schemaVersion"].map((name) => fields.get(name));
  return texts.every((text) => typeof text === "string") && numbers.every((number) => Number.isInteger(number));
}

function withLength(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function readBlock(read: ReadBytes): Uint8Array {
  const length = read(lengthBytes);
  if (length.length < lengthBytes) throw corrupt("ends before its end");
  const wanted = Buffer.from(length).readUInt32BE();
  const block = read(wanted);
  if (block.length < wanted) throw corrupt("ends before its end");
  return block;
}

/** What is said of a backup that cannot be used. */
export function corrupt(predicate: string): SecretError {
  return new SecretError("PAYLOAD_CORRUPT", `the backup ${predicate}; nothing was restored`);
}
