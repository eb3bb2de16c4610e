import type { SecretName } from "../../domain/secret-name.js";

/** Who waits until a watcher has confirmed that it dropped a secret. */
export class ConfirmedRemovals {
  // name → those who wait
  readonly #waiting = new Map<SecretName, PromiseWithResolvers<boolean>>();

  /** Resolves to true once the watcher confirms, to false when it leaves without. */
  waitFor(name: SecretName): Promise<boolean> {
    let wait = this.#waiting.get(name);
    if (wait === undefined) this.#waiting.set(name, (wait = Promise.withResolvers()));
    return wait.promise;
  }

  /** The watcher has dropped it. */
  confirm(name: SecretName): void {
    this.#waiting.get(name)?.resolve(true);
    this.#waiting.delete(name);
  }

  /** The watcher is gone. */
  end(): void {
    for (const { resolve } of this.#waiting.values()) resolve(false);
    this.#waiting.clear();
  }
}
