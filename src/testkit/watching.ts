import assert from "node:assert/strict";
import type { WatchEvent } from "../contract/secret-manager.js";
import type { ManagerProbe } from "./manager-probe.js";

/** How long a manager may take to tell of a change. */
const patienceMs = 10_000;

/** One watch in the hands of a law. */
export class Watching {
  /** Everything it was told. */
  readonly told: WatchEvent[] = [];
  readonly #events: AsyncIterator<WatchEvent>;

  constructor(events: AsyncIterator<WatchEvent>) {
    this.#events = events;
  }

  /** What it is told up to the next `synced`, with it. */
  async untilSynced(): Promise<readonly WatchEvent[]> {
    return await this.#until(({ kind }) => kind === "synced");
  }

  /** What it is told up to the next change of a secret, with it. */
  async untilChanged(name: string): Promise<readonly WatchEvent[]> {
    return await this.#until((event) => "secret" in event && event.secret.name === name);
  }

  async #until(isLast: (event: WatchEvent) => boolean): Promise<readonly WatchEvent[]> {
    const events: WatchEvent[] = [];
    for (;;) {
      const event = await this.#next();
      // How current it is, it may say at any time.
      if (event.kind === "current") continue;
      this.told.push(event);
      events.push(event);
      if (isLast(event)) return events;
    }
  }

  async #next(): Promise<WatchEvent> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new assert.AssertionError({ message: "the watch must tell of a change soon" }));
    }, patienceMs);
    try {
      const step = await Promise.race([this.#events.next(), late.promise]);
      assert.ok(step.done !== true, "the watch must not end while its caller is there");
      return step.value;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Watches while something is done, and goes away afterwards, which must end the watch. */
export async function watching(
  probe: ManagerProbe,
  afterRevision: bigint | undefined,
  work: (watch: Watching) => Promise<unknown>,
): Promise<void> {
  const leaving = new AbortController();
  const events = probe.watch(afterRevision, leaving.signal);
  try {
    await work(new Watching(events));
  } finally {
    leaving.abort();
    await events.return?.();
  }
}
