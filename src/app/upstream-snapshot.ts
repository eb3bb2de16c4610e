import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { UpstreamConfig, UpstreamSnapshotConfig } from "../config/config.js";
import type { KeyProvider } from "../encryption/key-provider.js";
import { type Binding, PayloadCipher, type Sealed } from "../encryption/payload-cipher.js";
import type { SnapshotKeeper } from "../managers/upstream/snapshot-reads.js";
import { openKeyProvider } from "./open-key-provider.js";
import { replaceFile } from "./replace-file.js";

const directoryMode = 0o700;
const format = "secret-broker snapshot 1";

/** A snapshot's file that is open. */
export interface SnapshotFile extends SnapshotKeeper {
  /** Releases the keys. */
  close(): void;
}

type Note = (note: string, thrown?: unknown) => void;

/**
 * Opens the file that a snapshot is kept in, encrypted with AES-256-GCM under a data key of its own and bound to the
 * central brokers it speaks of.
 * @param onNote told of a snapshot that is not taken
 * @throws SecretError `CONFIG_INVALID`, `MANAGER_UNAVAILABLE` when the key is not there
 */
export async function openSnapshotFile(
  config: UpstreamConfig,
  { path, encryption }: UpstreamSnapshotConfig,
  onNote: Note,
): Promise<SnapshotFile> {
  const storeId = identityOf(config);
  // A snapshot whose key is gone is worth nothing, so another key may be made.
  const provider: KeyProvider = await openKeyProvider(encryption, { storeId, isNew: true }, onNote);
  const cipher = new PayloadCipher(provider);
  const binding: Binding = { storeId, uid: "snapshot", name: "snapshot", version: 1, isText: true };
  return {
    load: async () => {
      const text = await readQuietly(path, onNote);
      if (text === undefined) return undefined;
      try {
        return await cipher.open(binding, parseSealed(text));
      } catch (thrown) {
        onNote(`the snapshot ${path} is ignored: it is damaged, or of another key or another central broker`, thrown);
        return undefined;
      }
    },
    save: async (content) => {
      try {
        const sealed = await cipher.seal(binding, content);
        await mkdir(dirname(path), { recursive: true, mode: directoryMode });
        await replaceFile(path, formatSealed(sealed));
      } finally {
        content.fill(0);
      }
    },
    close: () => provider.close?.(),
  };
}

/** Who is asked, and as whom: what one was told is not another's. */
function identityOf({ addresses, tls, tokenPath }: UpstreamConfig): string {
  const identity = JSON.stringify([addresses, tls ?? null, tokenPath ?? null]);
  return createHash("sha256").update(identity).digest("hex");
}

async function readQuietly(path: string, onNote: Note): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    const isMissing = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
    if (!isMissing) onNote(`the snapshot ${path} is ignored: it cannot be read`, thrown);
    return undefined;
  }
}

function formatSealed({ keyId, wrappedKey, ciphertext }: Sealed): string {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  return JSON.stringify({ format, keyId, wrappedKey: base64(wrappedKey), ciphertext: base64(ciphertext) });
}

function parseSealed(text: string): Sealed {
  const document = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
  const { keyId, wrappedKey, ciphertext } = document ?? {};
  const isWhole =
    document?.["format"] === format &&
    typeof keyId === "string" &&
    typeof wrappedKey === "string" &&
    typeof ciphertext === "string";
  if (!isWhole) throw new TypeError("it is no snapshot of this version");
  return { keyId, wrappedKey: Buffer.from(wrappedKey, "base64"), ciphertext: Buffer.from(ciphertext, "base64") };
}
