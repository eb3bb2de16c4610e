import type { Secret } from "../../domain/secret.js";
import { isSecretError, type SecretError } from "../../domain/secret-error.js";
import { parseSecretName } from "../../domain/secret-name.js";
import type { Origin, ReadAnswer, ReadNotModified, ReadRequest } from "../read-secret.js";
import type { HeldSecret } from "./held-secret.js";
import { isFinal, type SecretShelf } from "./secret-shelf.js";
import type { StoreClock } from "./store-clock.js";
import type { SecretSource } from "./store-source.js";

/** What a refresh works with. */
export interface StoreRefreshParts {
  readonly source: SecretSource;
  readonly shelf: SecretShelf;
  readonly clock: StoreClock;
  /** How old an answer of the broker's own cache may be, in milliseconds. */
  readonly maxStalenessMs: number;
}

/** What the broker answered just now. */
export interface FreshAnswer {
  /** Undefined when what the shelf has is as good, or better. */
  readonly secret: Secret | undefined;
  readonly servedFrom: Origin;
  readonly knownAtMs: number;
}

/** What was known of a name when it was asked for. */
interface Question {
  readonly askedAtMs: number;
  readonly version: number | undefined;
  readonly uid: string | undefined;
}

/** How many secrets are asked for at once: all their payloads must fit into one message. */
const batchSize = 100;

/** Asks the broker for secrets, and puts the answers on the shelf unless a stream has told something newer. */
export class StoreRefresh {
  readonly #parts: StoreRefreshParts;

  constructor(parts: StoreRefreshParts) {
    this.#parts = parts;
  }

  /**
   * Asks for all of some names.
   * @param timeoutMs how long each message may take; the client's own timeout unless given
   * @throws SecretError why the broker could not be asked, or the first failure of one name that may pass
   */
  async refresh(names: readonly string[], timeoutMs?: number): Promise<void> {
    let failure: SecretError | undefined;
    for (let start = 0; start < names.length; start += batchSize) {
      failure = (await this.#refreshBatch(names.slice(start, start + batchSize), timeoutMs)) ?? failure;
    }
    if (failure !== undefined) throw failure;
  }

  /**
   * Asks for one secret.
   * @throws SecretError also when there is none
   */
  async read(name: string, maxStalenessMs: number | undefined): Promise<FreshAnswer> {
    const question = this.#questionOf(name);
    try {
      const answer = await this.#parts.source.readSecret(this.#requestFor(name, maxStalenessMs, question));
      const isUseful = this.#take(name, answer, question);
      return isUseful ? this.#freshAnswer(name, answer, question) : await this.#readAnew(name, maxStalenessMs);
    } catch (error) {
      if (isSecretError(error)) this.#takeFailure(name, error, question);
      throw error;
    }
  }

  /** Returns a failure that may pass. */
  async #refreshBatch(names: readonly string[], timeoutMs: number | undefined): Promise<SecretError | undefined> {
    const { source, maxStalenessMs } = this.#parts;
    const questions = names.map((name) => this.#questionOf(name));
    const reads = names.map((name, index) => this.#requestFor(name, maxStalenessMs, questions[index]));
    const results = await source.batchReadSecrets({ reads }, { timeoutMs });
    const again: string[] = [];
    let failure: SecretError | undefined;
    for (const [index, result] of results.entries()) {
      const question = questions[index];
      if (question === undefined) continue;
      if (!result.ok) {
        if (!this.#takeFailure(result.name, result.error, question)) failure ??= result.error;
      } else if (!this.#take(result.name, result.answer, question)) again.push(result.name);
    }
    for (const name of again) await this.#readAnew(name, maxStalenessMs);
    return failure;
  }

  /** The same number in another generation, or nothing is held any more: the payload is asked for. */
  async #readAnew(name: string, maxStalenessMs: number | undefined): Promise<FreshAnswer> {
    const question = { ...this.#questionOf(name), version: undefined };
    const answer = await this.#parts.source.readSecret(this.#requestFor(name, maxStalenessMs, question));
    this.#take(name, answer, question);
    return this.#freshAnswer(name, answer, question);
  }

  #freshAnswer(name: string, answer: ReadAnswer, { askedAtMs }: Question): FreshAnswer {
    const knownAtMs = askedAtMs - (answer.ageMs ?? 0);
    const isLatest = !answer.notModified && !this.#parts.shelf.isOvertaken(name, knownAtMs);
    return { secret: isLatest ? answer.secret : undefined, servedFrom: answer.servedFrom, knownAtMs };
  }

  #questionOf(name: string): Question {
    const { shelf, clock } = this.#parts;
    const held = shelf.find(name);
    return {
      askedAtMs: clock.now(),
      version: held?.version,
      uid: held?.uid,
    };
  }

  #requestFor(name: string, maxStalenessMs: number | undefined, question: Question | undefined): ReadRequest {
    return { name, maxStalenessMs, knownVersion: question?.version };
  }

  /** False when it says nothing about what is held. */
  #take(name: string, answer: ReadAnswer, question: Question): boolean {
    const { shelf } = this.#parts;
    const knownAtMs = question.askedAtMs - (answer.ageMs ?? 0);
    const held = shelf.find(name);
    const isOvertaken = shelf.isOvertaken(name, knownAtMs);
    if (!answer.notModified) {
      if (!isOvertaken || held?.isSame(answer.secret) === true) shelf.put(answer.secret, knownAtMs);
      return true;
    }
    if (held === undefined) return false;
    if (!isAbout(answer, held, question)) return isOvertaken;
    held.knownAtMs = Math.max(held.knownAtMs, knownAtMs);
    return true;
  }

  /** Whether the failure is the broker's last word. */
  #takeFailure(name: string, error: SecretError, { askedAtMs }: Question): boolean {
    const { shelf } = this.#parts;
    if (!isFinal(error)) return false;
    if (!shelf.isOvertaken(name, askedAtMs)) shelf.drop(name, { error, knownAtMs: askedAtMs });
    return true;
  }
}

/** Whether what is held is what the broker says is still the active version. */
function isAbout(answer: ReadNotModified, held: HeldSecret, { version, uid }: Question): boolean {
  return held.version === version && held.uid === uid && answer.version === version && (answer.uid ?? uid) === uid;
}

/**
 * Accepts names.
 * @throws SecretError `FIELD_INVALID`
 */
export function checkNames(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name, index) => parseSecretName(name, `secrets[${String(index)}]`)));
}
