import { isSecretError, SecretError } from "../../domain/secret-error.js";
import { Backoff } from "./backoff.js";
import type { Keyrings } from "./keyrings.js";
import type { SecretShelf } from "./secret-shelf.js";
import type { StoreClock } from "./store-clock.js";
import type { StoreSettings } from "./store-options.js";
import type { PassingFailures, StoreRefresh } from "./store-refresh.js";
import type { StoreWatcher } from "./store-watcher.js";

/** What upkeep works with. */
export interface StoreUpkeepParts {
  readonly settings: StoreSettings;
  readonly shelf: SecretShelf;
  readonly refresh: StoreRefresh;
  readonly watcher: StoreWatcher;
  readonly keyrings: Keyrings;
  readonly clock: StoreClock;
  readonly random: () => number;
  readonly onProblem: (problem: SecretError) => void;
}

/** Which part of its fresh time a secret ages before it is asked for, though a stream should have told of it. */
const watchedShare = 0.75;
const tickRangeMs = [10, 5_000] as const;

/** Asks for what no stream keeps fresh, and drops what is too old. */
export class StoreUpkeep {
  readonly #parts: StoreUpkeepParts;
  /** Below 1 by a little, so that stores that were opened together do not ask together. */
  readonly #spread: number;
  #cancelTick: (() => void) | undefined;
  #isAsking = false;
  /** After the broker could not be asked for anything. */
  readonly #backoff: Backoff;
  /** Name → after that alone could not be had. */
  readonly #backoffs = new Map<string, Backoff>();

  constructor(parts: StoreUpkeepParts) {
    this.#parts = parts;
    this.#spread = 0.85 + parts.random() * 0.15;
    this.#backoff = new Backoff(parts.random);
  }

  /** Begins. */
  start(): void {
    const { settings, clock } = this.#parts;
    const { maxStalenessMs, freshForMs, pollIntervalMs } = settings;
    const wantedMs = Math.min(maxStalenessMs / 8, freshForMs / 8, pollIntervalMs / 4);
    const tickMs = Math.min(Math.max(wantedMs, tickRangeMs[0]), tickRangeMs[1]);
    const tick = (): void => {
      this.#cancelTick = clock.after(tickMs, tick);
      this.#tick();
    };
    this.#cancelTick = clock.after(tickMs, tick);
  }

  /** Ends. */
  close(): void {
    this.#cancelTick?.();
  }

  #tick(): void {
    const { shelf, keyrings, clock } = this.#parts;
    const nowMs = clock.now();
    shelf.sweep(nowMs);
    keyrings.sweep();
    if (this.#isAsking || !this.#backoff.isOver(nowMs)) return;
    const names = [...this.#parts.watcher.names].filter((name) => this.#isDue(name, nowMs));
    if (names.length > 0) void this.#ask(names);
  }

  #isDue(name: string, nowMs: number): boolean {
    const { shelf } = this.#parts;
    const held = shelf.find(name);
    const knownAtMs = held === undefined ? shelf.absenceOf(name)?.knownAtMs : shelf.knownAtMs(held);
    if (nowMs - (knownAtMs ?? -Infinity) <= this.#dueAfterMs(name)) return false;
    return this.#backoffs.get(name)?.isOver(nowMs) ?? true;
  }

  #dueAfterMs(name: string): number {
    const { settings, watcher } = this.#parts;
    const watchedMs = settings.freshForMs * watchedShare;
    return this.#spread * (watcher.covers(name) ? watchedMs : Math.min(settings.pollIntervalMs, watchedMs));
  }

  async #ask(names: readonly string[]): Promise<void> {
    const { refresh, clock, onProblem } = this.#parts;
    this.#isAsking = true;
    try {
      const failures = await refresh.refresh(names);
      this.#backoff.reset();
      this.#noteFailures(names, failures);
    } catch (error) {
      const problem = isSecretError(error)
        ? error
        : new SecretError("INTERNAL_ERROR", "secrets could not be refreshed", { cause: error });
      this.#backoff.noteFailure(clock.now(), problem.retryAfterMs);
      onProblem(problem);
    } finally {
      this.#isAsking = false;
    }
  }

  /** What cannot be had is left alone for a while, and keeps nothing else from being asked for. */
  #noteFailures(names: readonly string[], failures: PassingFailures): void {
    const { watcher, clock, onProblem } = this.#parts;
    for (const name of names) this.#noteFailure(name, failures.get(name), clock.now());
    for (const name of this.#backoffs.keys()) if (!watcher.wants(name)) this.#backoffs.delete(name);
    // What ails the manager ails many names, and is told once.
    const told = new Map([...failures.values()].map((failure) => [failure.reason, failure]));
    for (const failure of told.values()) onProblem(failure);
  }

  #noteFailure(name: string, failure: SecretError | undefined, nowMs: number): void {
    if (failure === undefined) {
      this.#backoffs.delete(name);
      return;
    }
    const backoff = this.#backoffs.get(name) ?? new Backoff(this.#parts.random);
    backoff.noteFailure(nowMs, failure.retryAfterMs);
    this.#backoffs.set(name, backoff);
  }
}
