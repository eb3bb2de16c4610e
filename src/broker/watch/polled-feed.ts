import { SecretError } from "../../domain/secret-error.js";
import { secretNameProblem, type SecretName } from "../../domain/secret-name.js";
import type { Options } from "../guarded-call.js";
import type { GuardedManager } from "../guarded-manager.js";
import { runConcurrently } from "../run-concurrently.js";
import type { ChangedNames, ChangeFeed, Coverage, FeedListener } from "./change-feed.js";
import { FeedListeners } from "./feed-listeners.js";
import { fingerprintOf } from "./fingerprint.js";
import { pause } from "./pause.js";
import type { WatchSettings } from "./watch-settings.js";
import { readOrNothing } from "./read-or-nothing.js";
import { type OwnCallLimits, withOwnCall } from "./own-call.js";

const pageSize = 1_000;

/** Asks a manager that tells of no changes, again and again, for everything that somebody watches; once for all. */
export class PolledFeed implements ChangeFeed {
  readonly isTold = false;
  readonly revision = 0n;
  readonly #manager: GuardedManager;
  readonly #settings: () => WatchSettings;
  readonly #options: Options | undefined;
  readonly #listeners = new FeedListeners();
  // name → what it was; "" when it was not there
  #states = new Map<SecretName, string>();
  #running: AbortController | undefined;
  #currentAtMs = 0;

  /** @param options what the manager is asked with, as those whose calls carry them are answered */
  constructor(manager: GuardedManager, settings: () => WatchSettings, options?: Options) {
    this.#manager = manager;
    this.#settings = settings;
    this.#options = options;
  }

  get pollIntervalMs(): number {
    return this.#settings().pollIntervalMs;
  }

  get currentAtMs(): number {
    return this.#currentAtMs;
  }

  join(listener: FeedListener, coverage: Coverage): () => void {
    this.#listeners.add(listener, coverage);
    this.#running ??= this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.isEmpty) this.close();
    };
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  overhear(listener: FeedListener): () => void {
    return this.#listeners.overhear(listener);
  }

  changesAfter(): Promise<ChangedNames> {
    const message = `${this.#manager.name} keeps no revisions; subscribe with known_versions instead`;
    return Promise.reject(new SecretError("REVISION_COMPACTED", message));
  }

  close(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#states.clear();
  }

  #start(): AbortController {
    const running = new AbortController();
    this.#currentAtMs = Date.now();
    void this.#run(running.signal);
    return running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    // Brokers that were started together must not ask together.
    while (await pause(this.#settings().pollIntervalMs * (0.9 + Math.random() / 10), signal)) {
      const startMs = Date.now();
      const isComplete = await this.#poll(signal);
      // Aborted while it was asked.
      if (this.#running?.signal !== signal) return;
      if (isComplete) this.#currentAtMs = startMs;
    }
  }

  /** Returns whether everything could be asked; what could not is asked the next time. */
  async #poll(signal: AbortSignal): Promise<boolean> {
    try {
      const names = await this.#names(signal);
      const before = this.#states;
      this.#states = new Map([...before].filter(([name]) => names.has(name)));
      const asked = await runConcurrently([...names], this.#settings().concurrency, (name) => this.#ask(name, signal));
      return asked.every((isAnswered) => isAnswered);
    } catch {
      // The guard has logged it.
      return false;
    }
  }

  async #names(signal: AbortSignal): Promise<ReadonlySet<SecretName>> {
    const { names, prefixes } = this.#listeners.coverage;
    const all = new Set(names);
    for (const prefix of prefixes) {
      let pageToken: string | undefined;
      do {
        const query = { prefix, tags: {}, showDeleted: false, pageSize, pageToken };
        const page = await withOwnCall("poll", this.#limits(signal), (call) =>
          this.#manager.list(call, query, this.#options),
        );
        for (const { name } of page.secrets) if (secretNameProblem(name) === undefined) all.add(name as SecretName);
        pageToken = page.nextPageToken;
      } while (pageToken !== undefined);
    }
    // What was there under a prefix and is not listed any more has changed, too.
    for (const [name, state] of this.#states) {
      if (state !== "" && [...prefixes].some((prefix) => name.startsWith(prefix))) all.add(name);
    }
    return all;
  }

  async #ask(name: SecretName, signal: AbortSignal): Promise<boolean> {
    try {
      const secret = await withOwnCall("poll", this.#limits(signal), (call) =>
        readOrNothing(this.#manager.read(call, { name, options: this.#options, maxStalenessMs: 0 })),
      );
      const state = secret === undefined ? "" : fingerprintOf(secret);
      // What is asked for the first time may have changed since whoever watches it looked.
      if (this.#states.get(name) !== state) this.#listeners.changed(name, 0n);
      this.#states.set(name, state);
      return true;
    } catch {
      return false;
    }
  }

  #limits(signal: AbortSignal): OwnCallLimits {
    return { signal, timeoutMs: this.#settings().readTimeoutMs };
  }
}
