import type { ReadReply } from "../../contract/secret-manager.js";
import { payloadByteLength } from "../../domain/payload.js";

/** An answer of a central broker, and when it was the truth at the latest. */
export interface KeptAnswer {
  readonly reply: ReadReply;
  /** By {@link ForwardClock}. */
  readonly confirmedAtMs: number;
}

/** What is kept at most, in bytes of payloads; what was confirmed longest ago goes first. */
const maxKeptBytes = 16 * 1024 * 1024;

/** What a name and everything beside the payload is counted as, in bytes. */
const overheadBytes = 512;

/**
 * The time of day, which never runs backwards: not when the clock is set back, and not while it sleeps. Set forwards, it
 * makes answers older than they are, and never younger.
 */
export class ForwardClock {
  readonly #wallMs: () => number;
  readonly #steadyMs: () => number;
  readonly #offsetMs: number;
  #latestMs = -Infinity;

  constructor(wallMs: () => number = Date.now, steadyMs: () => number = () => performance.now()) {
    this.#wallMs = wallMs;
    this.#steadyMs = steadyMs;
    this.#offsetMs = wallMs() - steadyMs();
  }

  /** In milliseconds since the epoch. */
  nowMs(): number {
    this.#latestMs = Math.max(this.#latestMs, this.#wallMs(), this.#offsetMs + this.#steadyMs());
    return this.#latestMs;
  }
}

/** The newest answers by name, within a bound of bytes. */
export class KeptAnswers {
  // In the order of their confirmation
  readonly #answers = new Map<string, KeptAnswer>();
  #bytes = 0;

  get(name: string): KeptAnswer | undefined {
    return this.#answers.get(name);
  }

  /** All of them, those confirmed longest ago first. */
  entries(): readonly (readonly [string, KeptAnswer])[] {
    return [...this.#answers];
  }

  /** Keeps an answer, unless a newer one is kept. */
  keep(name: string, answer: KeptAnswer): void {
    const known = this.#answers.get(name);
    if (known !== undefined && known.confirmedAtMs > answer.confirmedAtMs) return;
    this.drop(name);
    this.#answers.set(name, answer);
    this.#bytes += sizeOf(answer);
    for (const [oldest] of this.#answers) {
      if (this.#bytes <= maxKeptBytes) break;
      this.drop(oldest);
    }
  }

  /** Forgets an answer; whether there was one. */
  drop(name: string): boolean {
    const known = this.#answers.get(name);
    if (known === undefined) return false;
    this.#bytes -= sizeOf(known);
    if (typeof known.reply.value !== "string") known.reply.value.fill(0);
    return this.#answers.delete(name);
  }
}

function sizeOf({ reply }: KeptAnswer): number {
  return overheadBytes + payloadByteLength(reply.value);
}
