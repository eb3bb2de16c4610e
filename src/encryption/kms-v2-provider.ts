import { createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { SecretError } from "../domain/secret-error.js";
import { keyBytes } from "./authenticated-cipher.js";
import type { KeyProvider, WrappedKey } from "./key-provider.js";
import { KmsClient } from "./kms-client.js";
import { type KmsSealedKey, openEnvelope, readEnvelope, sealEnvelope, wrappingKeyIdOf } from "./kms-envelope.js";

/** What a key management service is opened with. */
export interface KmsOptions {
  /** Between two questions for its state, which is how a rotation is noticed. */
  readonly statusIntervalMs?: number;
  /** How many data keys a wrapping key may wrap; 1,048,576 unless given. */
  readonly maxUses?: number;
  /** How many wrapping keys to keep in memory, which the service is not asked for again; 1,000 unless given. */
  readonly maxKeptKeys?: number;
}

/** A key that the service has encrypted. */
interface WrappingKey {
  readonly key: KeyObject;
  readonly answer: KmsSealedKey;
  readonly untilMs: number;
  uses: number;
}

const defaults = { statusIntervalMs: 10_000, maxUses: 2 ** 20, maxKeptKeys: 1_000 } as const;

/** How long a wrapping key is used at most. */
const maxAgeMs = 3_600_000;

/** `v2beta1` has the same messages. */
const knownVersions: readonly string[] = ["v2", "v2beta1"];

const maxKeyIdLength = 1_024;

// The control characters are what the rule is about.
// eslint-disable-next-line no-control-regex
const controlCharacter = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/u;

/**
 * A key management plug-in that speaks Kubernetes' interface, version 2, on a Unix socket. It encrypts wrapping keys;
 * data keys are put under those here, as the interface has nothing to bind a context with. As Kubernetes itself does, a
 * wrapping key serves many writes, and those that were decrypted are kept, so that neither reads nor writes wait for the
 * service; each broker makes its own, and another one after an hour or when the service's key is another.
 */
export class KmsV2Provider implements KeyProvider {
  readonly description: string;
  readonly #client: KmsClient;
  readonly #listeners = new Set<(keyId: string) => void>();
  readonly #options: Required<KmsOptions>;
  // wrapping key's id → key, the one used longest ago first
  readonly #kept = new Map<string, KeyObject>();
  #current: WrappingKey | undefined;
  #making: Promise<WrappingKey> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #keyId = "";
  /** How often the current key was heard of; an answer that comes late must not bring the key before back. */
  #turn = 0;

  private constructor(socket: string, options: KmsOptions) {
    this.#options = { ...defaults, ...options };
    this.description = `the key management service at "${socket}"`;
    this.#client = new KmsClient(socket, this.description);
  }

  /**
   * Opens a service once it says that it works.
   * @param socket the absolute path
   * @throws SecretError `MANAGER_UNAVAILABLE` when it cannot be reached or does not work, `CONFIG_INVALID` when it
   * speaks another version
   */
  static async open(socket: string, options: KmsOptions = {}): Promise<KmsV2Provider> {
    const provider = new KmsV2Provider(socket, options);
    try {
      await provider.checkHealth();
    } catch (error) {
      provider.close();
      throw error;
    }
    provider.#watch();
    return provider;
  }

  currentKeyId(): string {
    return this.#keyId;
  }

  async wrap(dataKey: Uint8Array, context: string): Promise<WrappedKey> {
    const { key, answer } = this.#use() ?? (await this.#made());
    return { keyId: answer.keyId, bytes: sealEnvelope([key, dataKey], answer, context) };
  }

  async unwrap({ keyId, bytes }: WrappedKey, context: string): Promise<Uint8Array> {
    const envelope = readEnvelope(bytes, keyId, context);
    const kept = this.#kept.get(envelope.wrappingKeyId);
    const key = kept ?? (await this.#decrypt(envelope));
    const dataKey = openEnvelope(envelope, key);
    this.#keep(envelope.wrappingKeyId, key);
    return dataKey;
  }

  onRotation(listener: (keyId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async checkHealth(): Promise<void> {
    const turn = this.#turn;
    const { version, healthz, keyId } = await this.#client.status();
    assertKnownVersion(this.description, version);
    // What is wrong is the plug-in's text, which may say anything.
    if (healthz !== "ok") throw this.#unavailable("says that it does not work", new Error(healthz));
    if (!isKeyId(keyId)) throw this.#badAnswer();
    if (turn === this.#turn) this.#takeOver(keyId);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#listeners.clear();
    this.#kept.clear();
    this.#current = undefined;
    this.#client.close();
  }

  /** The wrapping key in use, as long as it may be used. */
  #use(): WrappingKey | undefined {
    const current = this.#current;
    if (current?.answer.keyId !== this.#keyId) return undefined;
    if (current.uses >= this.#options.maxUses || performance.now() >= current.untilMs) return undefined;
    current.uses += 1;
    return current;
  }

  /** Another wrapping key, made once for all who wait for it. */
  async #made(): Promise<WrappingKey> {
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    return await this.#making;
  }

  async #make(): Promise<WrappingKey> {
    const bytes = randomBytes(keyBytes);
    try {
      const answer = await this.#client.encrypt(bytes);
      this.#assertValid(answer);
      // The plug-in may have rotated since it was last asked; whoever wraps anew would never come to an end otherwise.
      this.#takeOver(answer.keyId);
      const key = createSecretKey(bytes);
      this.#keep(wrappingKeyIdOf(answer), key);
      this.#current = { key, answer, untilMs: performance.now() + maxAgeMs, uses: 1 };
      return this.#current;
    } finally {
      bytes.fill(0);
    }
  }

  async #decrypt(envelope: KmsSealedKey): Promise<KeyObject> {
    const bytes = await this.#client.decrypt(envelope);
    try {
      if (bytes.length !== keyBytes) throw this.#badAnswer();
      return createSecretKey(bytes);
    } finally {
      bytes.fill(0);
    }
  }

  #keep(id: string, key: KeyObject): void {
    this.#kept.delete(id);
    this.#kept.set(id, key);
    if (this.#kept.size <= this.#options.maxKeptKeys) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }

  #watch(): void {
    this.#timer = setInterval(() => {
      // Whoever needs the service hears of its failure; here only a rotation matters.
      this.checkHealth().catch(() => undefined);
    }, this.#options.statusIntervalMs).unref();
  }

  #takeOver(keyId: string): void {
    this.#turn += 1;
    if (keyId === this.#keyId) return;
    const isFirst = this.#keyId === "";
    this.#keyId = keyId;
    if (!isFirst) for (const listener of this.#listeners) listener(keyId);
  }

  #assertValid({ keyId, ciphertext }: KmsSealedKey): void {
    if (!isKeyId(keyId) || ciphertext.length === 0) throw this.#badAnswer();
  }

  #badAnswer(): SecretError {
    return this.#unavailable("gave an answer that its interface does not allow");
  }

  #unavailable(predicate: string, cause?: unknown): SecretError {
    return new SecretError("MANAGER_UNAVAILABLE", `${this.description} ${predicate}`, { cause });
  }
}

function assertKnownVersion(description: string, version: string): void {
  if (knownVersions.includes(version)) return;
  throw new SecretError("CONFIG_INVALID", `${description} does not speak version v2 of the interface`);
}

/** Ids stand in the database and in messages. */
function isKeyId(keyId: string): boolean {
  return keyId.length > 0 && keyId.length <= maxKeyIdLength && !controlCharacter.test(keyId) && keyId.isWellFormed();
}
