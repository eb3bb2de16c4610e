import { setImmediate } from "node:timers/promises";
import type { Secret } from "../../domain/secret.js";
import type { SecretName } from "../../domain/secret-name.js";
import { cacheKey } from "../cache/cache-key.js";
import { Call } from "../call.js";
import type { GuardedManager } from "../guarded-manager.js";
import { readOrNothing } from "./read-or-nothing.js";
import type { WatchSettings } from "./watch-settings.js";

/** What reads of watchers need. */
export interface SharedReadParts {
  readonly manager: GuardedManager;
  readonly settings: () => WatchSettings;
}

/**
 * Reads for everybody who watches. Those who want the same secret in one turn of the event loop, as all do who are told
 * of one change, are given one answer: the manager is asked at the end of the turn, so for each of them after it wanted
 * to know. Only where the manager answers all callers the same; whether a caller may have the answer is decided before.
 */
export class SharedReads {
  readonly #parts: SharedReadParts;
  // question → its answer, of those that are about to be asked
  readonly #gathering = new Map<string, Promise<Secret | undefined>>();

  constructor(parts: SharedReadParts) {
    this.#parts = parts;
  }

  /**
   * The active version; undefined when there is none.
   * @param call whose own the question is where it cannot be shared
   */
  read(call: Call, name: SecretName): Promise<Secret | undefined> {
    const question = this.#questionOf(call, name);
    if (question === undefined) return this.#ask(call, name);
    const gathering = this.#gathering.get(question);
    if (gathering !== undefined) return gathering;
    const answer = this.#askSoon(call, name, question);
    this.#gathering.set(question, answer);
    return answer;
  }

  /** The same for equal questions, whoever asks; undefined when it cannot be shared. No name has a line break. */
  #questionOf(call: Call, name: SecretName): string | undefined {
    const { manager } = this.#parts;
    if (!manager.hasSharedReads) return undefined;
    const options = manager.optionsFor(call, undefined);
    const key = cacheKey({ principal: undefined, version: undefined, options });
    if (key === undefined) return undefined;
    return key === "" ? name : `${name}\n${key}`;
  }

  /** Under a call of its own, as the first who wants to know may leave before the others. */
  async #askSoon({ caller, requestId }: Call, name: SecretName, question: string): Promise<Secret | undefined> {
    await setImmediate();
    this.#gathering.delete(question);
    const own = new Call({ caller, requestId, deadlineMs: Date.now() + this.#parts.settings().readTimeoutMs });
    try {
      return await this.#ask(own, name);
    } finally {
      own.end();
    }
  }

  #ask(call: Call, name: SecretName): Promise<Secret | undefined> {
    return readOrNothing(this.#parts.manager.read(call, { name, maxStalenessMs: 0 }));
  }
}
