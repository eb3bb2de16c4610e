import type { Secret } from "../../domain/secret.js";
import { isSecretError, type SecretError } from "../../domain/secret-error.js";
import { parseSecretName } from "../../domain/secret-name.js";
import { invalidReply } from "../decode-secret.js";
import type { Origin, ReadAnswer, ReadNotModified, ReadRequest } from "../read-secret.js";
import { copyPayload, type HeldSecret } from "./held-secret.js";
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
  /** With bytes that no shelf wipes; undefined when what the shelf has is as good, or better. */
  readonly secret: Secret | undefined;
  readonly servedFrom: Origin;
  readonly knownAtMs: number;
}

/** Names → why they could not be had, where that may pass. */
export type PassingFailures = ReadonlyMap<string, SecretError>;

/** What was known of a name when it was asked for. */
interface Question {
  readonly name: string;
  readonly askedAtMs: number;
  readonly version: number | undefined;
  readonly uid: string | undefined;
}

/** How several names are asked for at once. */
interface BatchAsk {
  readonly timeoutMs: number | undefined;
  /** Takes up what keeps single names away. */
  readonly failures: Map<string, SecretError>;
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
   * @returns the failures of single names
   * @throws SecretError why the broker could not be asked
   */
  async refresh(names: readonly string[], timeoutMs?: number): Promise<PassingFailures> {
    const failures = new Map<string, SecretError>();
    for (let start = 0; start < names.length; start += batchSize) {
      const questions = names.slice(start, start + batchSize).map((name) => this.#questionOf(name));
      const open = await this.#askBatch(questions, { timeoutMs, failures });
      const again = open.map((name) => this.#questionAnew(name));
      if (again.length > 0) await this.#askBatch(again, { timeoutMs, failures });
    }
    return failures;
  }

  /**
   * Asks for one secret.
   * @throws SecretError also when there is none
   */
  async read(name: string, maxStalenessMs: number | undefined): Promise<FreshAnswer> {
    const question = this.#questionOf(name);
    try {
      const answer = await this.#readOnce(question, maxStalenessMs);
      if (answer !== undefined) return answer;
      const second = await this.#readOnce(this.#questionAnew(name), maxStalenessMs);
      if (second === undefined) throw invalidReply("no payload for who has none");
      return second;
    } catch (error) {
      if (isSecretError(error) && !this.#takeFailure(name, error, question)) this.#noteFailure(name, error, question);
      throw error;
    }
  }

  /** Returns the names whose answers say nothing about what is held. */
  async #askBatch(questions: readonly Question[], { timeoutMs, failures }: BatchAsk): Promise<readonly string[]> {
    const { source, maxStalenessMs } = this.#parts;
    const reads = questions.map((question) => requestFor(question, maxStalenessMs));
    const results = await source.batchReadSecrets({ reads }, { timeoutMs });
    const open: string[] = [];
    for (const [index, result] of results.entries()) {
      const question = questions[index];
      if (question === undefined) continue;
      const { name } = question;
      if (result.ok) {
        if (!this.#take(result.answer, question)) open.push(name);
      } else if (!this.#takeFailure(name, result.error, question)) failures.set(name, result.error);
    }
    return open;
  }

  /** Undefined when the answer says nothing about what is held. */
  async #readOnce(question: Question, maxStalenessMs: number | undefined): Promise<FreshAnswer | undefined> {
    const { source, shelf } = this.#parts;
    const answer = await source.readSecret(requestFor(question, maxStalenessMs));
    // What the shelf takes may be given up, and wiped, before whoever asked has seen it.
    const secret = answer.notModified ? undefined : withOwnPayload(answer.secret);
    if (!this.#take(answer, question)) return undefined;
    const knownAtMs = question.askedAtMs - (answer.ageMs ?? 0);
    const isLatest = !shelf.isOvertaken(question.name, knownAtMs);
    return { secret: isLatest ? secret : undefined, servedFrom: answer.servedFrom, knownAtMs };
  }

  #questionOf(name: string): Question {
    const { shelf, clock } = this.#parts;
    const held = shelf.find(name);
    return { name, askedAtMs: clock.now(), version: held?.version, uid: held?.uid };
  }

  /** The same number in another generation, or nothing is held any more: the payload is asked for. */
  #questionAnew(name: string): Question {
    return { ...this.#questionOf(name), version: undefined };
  }

  /** False when it says nothing about what is held. */
  #take(answer: ReadAnswer, question: Question): boolean {
    const { shelf } = this.#parts;
    const { name, askedAtMs } = question;
    const knownAtMs = askedAtMs - (answer.ageMs ?? 0);
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

  /** Why there is nothing to give as long as nothing is known. */
  #noteFailure(name: string, error: SecretError, { askedAtMs }: Question): void {
    if (error.reason !== "CALL_CANCELLED") this.#parts.shelf.noteFailure(name, { error, knownAtMs: askedAtMs });
  }
}

function requestFor({ name, version }: Question, maxStalenessMs: number | undefined): ReadRequest {
  return { name, maxStalenessMs, knownVersion: version };
}

function withOwnPayload(secret: Secret): Secret {
  return { ...secret, payload: copyPayload(secret.payload) };
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
