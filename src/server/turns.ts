import type { TokenBucket } from "../broker/token-bucket.js";
import { SecretError } from "../domain/secret-error.js";

/** Told how to give up a wait. */
export type OnWait = (giveUp: () => void) => void;

interface Waiting {
  readonly go: () => void;
  readonly refuse: (error: SecretError) => void;
}

/** Messages of streams that take a token each: where there is none they wait, in the order they came. */
export class Turns {
  readonly #bucket: TokenBucket;
  readonly #waiting = new Set<Waiting>();
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(bucket: TokenBucket) {
    this.#bucket = bucket;
  }

  /**
   * Resolves once one was taken.
   * @param onWait told how to give up, where it has to wait
   * @throws SecretError `CALL_CANCELLED` when it was given up
   */
  async take(onWait: OnWait): Promise<void> {
    if (this.#isOver || (this.#waiting.size === 0 && this.#bucket.tryTake())) return;
    await new Promise<void>((go, refuse) => {
      const waiting = { go, refuse };
      this.#waiting.add(waiting);
      onWait(() => {
        if (this.#waiting.delete(waiting)) refuse(givenUp());
      });
      this.#arm();
    });
  }

  /** Lets everybody through: another rate is in force. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    for (const { go } of this.#waiting) go();
    this.#waiting.clear();
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#waiting.size === 0) return;
    // Later than there is one, by chance: calls, which cannot wait, must find one, too.
    const waitMs = this.#bucket.waitMs * (1 + Math.random());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#serve();
    }, waitMs).unref();
  }

  #serve(): void {
    for (const waiting of this.#waiting) {
      if (!this.#bucket.tryTake()) break;
      this.#waiting.delete(waiting);
      waiting.go();
    }
    this.#arm();
  }
}

function givenUp(): SecretError {
  return new SecretError("CALL_CANCELLED", "the stream has ended");
}
