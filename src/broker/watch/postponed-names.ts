import type { SecretName } from "../../domain/secret-name.js";

/** How long until what could not be read is tried again, at first and at most. */
const retryMs = { first: 500, longest: 30_000 } as const;

/** What could not be read for now, and when it is tried again. */
export class PostponedNames {
  readonly #names = new Set<SecretName>();
  readonly #onRetry: (name: SecretName) => void;
  #timer: NodeJS.Timeout | undefined;
  #waitMs: number = retryMs.first;

  /** @param onRetry told of each name when it is to be tried again; it stays until it is settled */
  constructor(onRetry: (name: SecretName) => void) {
    this.#onRetry = onRetry;
  }

  /** Whether everything could be read. */
  get isEmpty(): boolean {
    return this.#names.size === 0;
  }

  /** A name could not be read. */
  add(name: SecretName): void {
    this.#names.add(name);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#waitMs = Math.min(this.#waitMs * 2, retryMs.longest);
      for (const each of this.#names) this.#onRetry(each);
    }, this.#waitMs).unref();
  }

  /** A name could be read. */
  settle(name: SecretName): void {
    this.#names.delete(name);
    if (this.isEmpty) this.#waitMs = retryMs.first;
  }

  /** Tries nothing again. */
  close(): void {
    clearTimeout(this.#timer);
  }
}
