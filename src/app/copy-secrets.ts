import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { Call } from "../broker/call.js";
import { runConcurrently } from "../broker/run-concurrently.js";
import type { Config } from "../config/config.js";
import { payloadBytes } from "../domain/payload.js";
import type { Secret } from "../domain/secret.js";
import { isSecretError, SecretError, type SecretErrorReason } from "../domain/secret-error.js";
import { parseSecretName, type SecretName } from "../domain/secret-name.js";
import { createLog } from "../log/create-log.js";
import { type Door, openDoor } from "./open-door.js";

/** What is copied, and how. */
export interface CopyOptions {
  /** Only names that begin with this. */
  readonly prefix: string;
  /** The names; those that the first manager lists when undefined. */
  readonly names: readonly string[] | undefined;
  /** Whether what is there and differs is written over. */
  readonly overwrite: boolean;
  /** Whether nothing is written. */
  readonly dryRun: boolean;
  /** Aborts between two secrets. */
  readonly signal: AbortSignal;
  /** Told of each secret once it is done. */
  readonly onCopied: (copied: CopiedSecret) => Promise<void>;
}

/**
 * What became of one secret: `copied` and compared, the `same` already, `differs` and was left alone, `missing` when
 * nothing was to be written, or `failed`.
 */
export interface CopiedSecret {
  readonly name: string;
  readonly outcome: "copied" | "same" | "differs" | "missing" | "failed";
  readonly reason: SecretErrorReason | undefined;
  /** What the other manager did not keep. */
  readonly lost: readonly ("description" | "tags")[];
}

const principal = "secret-broker copy";
const pageSize = 1_000;
const timeoutMs = 60_000;

/**
 * Copies the active versions of secrets from one configuration's manager to another's, each through its own policy and
 * audit. What was written is read back and compared by a digest under a key of this run; no value leaves.
 * @throws SecretError `CONFIG_INVALID`, `MANAGER_UNAVAILABLE`, and what listing fails with
 */
export async function copySecrets(from: Config, to: Config, options: CopyOptions): Promise<void> {
  const log = createLog("error");
  const source = await openDoor(from, { log, isGuest: true });
  try {
    const target = await openDoor(to, { log });
    try {
      await new Copy(source, target, options).run();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** One run from one door to the other. */
class Copy {
  readonly #source: Door;
  readonly #target: Door;
  readonly #options: CopyOptions;
  readonly #key = randomBytes(32);
  #calls = 0;

  constructor(source: Door, target: Door, options: CopyOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
  }

  async run(): Promise<void> {
    const concurrency = Math.min(this.#source.concurrency, this.#target.concurrency);
    for await (const names of this.#pages()) {
      await runConcurrently(names, concurrency, async (name) => {
        if (this.#options.signal.aborted) return;
        await this.#options.onCopied(await this.#copy(name));
      });
      if (this.#options.signal.aborted) throw new SecretError("CALL_CANCELLED", "the copy was interrupted");
    }
  }

  async *#pages(): AsyncGenerator<readonly string[]> {
    const { names, prefix } = this.#options;
    if (names !== undefined) {
      yield names.filter((name) => name.startsWith(prefix));
      return;
    }
    let pageToken = "";
    do {
      const query = { prefix, tags: {}, showDeleted: false, pageSize, pageToken };
      const page = await this.#call((call) => this.#source.broker.listSecrets(call, query));
      yield page.secrets.map(({ name }) => name);
      pageToken = page.nextPageToken ?? "";
    } while (pageToken !== "");
  }

  async #copy(text: string): Promise<CopiedSecret> {
    try {
      const name = parseSecretName(text);
      const { secret } = await this.#call((call) => this.#source.broker.readSecret(call, { name }));
      const there = await this.#find(name);
      if (there !== undefined && this.#isSame(secret, there)) return this.#outcome(name, "same", lostOf(secret, there));
      if (there !== undefined && !this.#options.overwrite) return this.#outcome(name, "differs");
      if (this.#options.dryRun) return this.#outcome(name, there === undefined ? "missing" : "differs");
      return await this.#write(name, secret, there);
    } catch (error) {
      if (!isSecretError(error)) throw error;
      return { name: text, outcome: "failed", reason: error.reason, lost: [] };
    }
  }

  async #write(name: SecretName, secret: Secret, there: Secret | undefined): Promise<CopiedSecret> {
    const { payload, description, tags, expireTime } = secret;
    const hasPreconditions = this.#target.capabilities.has("preconditions");
    // Between the look and the write somebody else may have written.
    const expectedVersion = hasPreconditions ? (there?.version ?? (there === undefined ? 0 : undefined)) : undefined;
    const request = { name, payload, description, tags, expireTime, expectedVersion };
    await this.#call((call) => this.#target.broker.writeSecret(call, request));
    const written = await this.#find(name);
    if (written !== undefined && this.#isSame(secret, written)) {
      return this.#outcome(name, "copied", lostOf(secret, written));
    }
    return { name, outcome: "failed", reason: "MANAGER_REPLY_INVALID", lost: [] };
  }

  async #find(name: SecretName): Promise<Secret | undefined> {
    try {
      const { secret } = await this.#call((call) => this.#target.broker.readSecret(call, { name }));
      return secret;
    } catch (error) {
      if (isSecretError(error) && (error.reason === "SECRET_NOT_FOUND" || error.reason === "SECRET_DELETED")) {
        return undefined;
      }
      throw error;
    }
  }

  /** Bytes and their kind, and when they expire. */
  #isSame(one: Secret, other: Secret): boolean {
    const isSameTime = one.expireTime?.getTime() === other.expireTime?.getTime();
    return isSameTime && timingSafeEqual(this.#digest(one), this.#digest(other));
  }

  #digest({ payload }: Secret): Buffer {
    const kind = typeof payload === "string" ? "text" : "binary";
    return createHmac("sha256", this.#key).update(kind).update(payloadBytes(payload)).digest();
  }

  #outcome(name: string, outcome: CopiedSecret["outcome"], lost: CopiedSecret["lost"] = []): CopiedSecret {
    return { name, outcome, reason: undefined, lost };
  }

  async #call<T>(work: (call: Call) => Promise<T>): Promise<T> {
    this.#calls += 1;
    const caller = { principal, groups: [], provenBy: "none", peer: "internal" } as const;
    const requestId = `copy-${String(this.#calls)}`;
    const call = new Call({ caller, requestId, deadlineMs: Date.now() + timeoutMs });
    return await work(call).finally(() => {
      call.end();
    });
  }
}

function lostOf(one: Secret, other: Secret): CopiedSecret["lost"] {
  const tagsOf = ({ tags = {} }: Secret): string => JSON.stringify(Object.entries(tags).toSorted());
  const isDescriptionLost = (one.description ?? "") !== (other.description ?? "");
  return [
    ...(isDescriptionLost ? (["description"] as const) : []),
    ...(tagsOf(one) === tagsOf(other) ? [] : (["tags"] as const)),
  ];
}
