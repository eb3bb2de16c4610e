import { expect } from "vitest";
import type { SecretBrokerClient } from "../../src/client/secret-broker-client.js";

/** Makes a payload so long that half of it would show. */
const repetitions = 300;

/** One name and the only client that writes it: it knows what must be there, whatever is killed. */
export class Writer {
  readonly name: string;
  /** What was acknowledged last. */
  #acknowledged: { readonly value: string; readonly version: number } | undefined;
  /** What was sent and not answered. */
  #pending: string | undefined;
  #sent = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** How many writes there have been. */
  get acknowledgedCount(): number {
    return this.#acknowledged?.version ?? 0;
  }

  /** Writes one value after the other until the broker fails, or it is told to stop. */
  async write(client: SecretBrokerClient, signal?: AbortSignal): Promise<void> {
    while (signal?.aborted !== true) {
      this.#sent += 1;
      this.#pending = `${this.name} value ${String(this.#sent)};`.repeat(repetitions);
      try {
        this.#acknowledged = { value: this.#pending, version: await this.#send(client, this.#pending) };
        this.#pending = undefined;
      } catch {
        return;
      }
    }
  }

  /**
   * Checks that what was acknowledged is there, or what was sent after it, whole; and that sending that again writes it
   * once and no more, and is answered as the first time.
   */
  async assertKept(client: SecretBrokerClient): Promise<void> {
    const [before, pending] = [this.#acknowledged, this.#pending];
    if (before !== undefined) {
      const found = await client.readSecret({ name: this.name });
      const kept = [before.value, ...(pending === undefined ? [] : [pending])];
      expect(kept).toContain("secret" in found ? found.secret.payload : undefined);
    }
    if (pending === undefined) return;
    const version = this.acknowledgedCount + 1;
    for (const attempt of ["first", "second"]) {
      expect([attempt, await this.#send(client, pending)]).toEqual([attempt, version]);
    }
    this.#acknowledged = { value: pending, version };
    this.#pending = undefined;
  }

  async #send(client: SecretBrokerClient, payload: string): Promise<number> {
    const idempotencyId = `${this.name}#${String(this.#sent)}`;
    const { version = 0 } = await client.writeSecret({ name: this.name, payload, idempotencyId });
    return version;
  }
}
