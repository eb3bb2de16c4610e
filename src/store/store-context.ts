import type { ManagerCall } from "../contract/manager-call.js";
import type { Payload } from "../domain/payload.js";
import type { Generation } from "./generations.js";
import type { SealedPayload, StoreCipher, PayloadBinding } from "./store-cipher.js";
import type { StoredVersion } from "./versions.js";

/** What every operation of a store works with. */
export interface StoreContext {
  readonly storeId: string;
  readonly digestKey: Uint8Array;
  readonly cipher: StoreCipher;
  /** The time in milliseconds since the epoch. */
  readonly now: () => number;
  /** How many versions a secret keeps; the oldest that are not active make room. */
  readonly maxVersionsPerSecret: number;
}

/** Who asks. */
export type StoreCall = Pick<ManagerCall, "principal">;

/** What a version of a generation is sealed under. */
export function bindingOf(
  { storeId }: StoreContext,
  { uid, name }: Pick<Generation, "uid" | "name">,
  { version, isText }: Pick<StoredVersion, "version" | "isText">,
): PayloadBinding {
  return { storeId, uid, name, version, isText };
}

/** Seals a payload; text and bytes keep apart. */
export function sealPayload(
  context: StoreContext,
  generation: Pick<Generation, "uid" | "name">,
  { version, value }: { readonly version: number; readonly value: Payload },
): SealedPayload | PromiseLike<SealedPayload> {
  const isText = typeof value === "string";
  const bytes = isText ? Buffer.from(value, "utf8") : value;
  return context.cipher.seal(bindingOf(context, generation, { version, isText }), bytes);
}

/** Opens a version's payload. @throws SecretError `PAYLOAD_CORRUPT` when anything it is bound to has changed */
export async function openPayload(
  context: StoreContext,
  generation: Pick<Generation, "uid" | "name">,
  { version, isText, sealed }: StoredVersion & { readonly sealed: SealedPayload },
): Promise<Payload> {
  const bytes = await context.cipher.open(bindingOf(context, generation, { version, isText }), sealed);
  if (!isText) return bytes;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  bytes.fill(0);
  return text;
}
