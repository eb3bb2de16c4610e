import type { WatchEvent } from "../../contract/secret-manager.js";
import { isSecretError, SecretError } from "../../domain/secret-error.js";
import { secretNameProblem, type SecretName } from "../../domain/secret-name.js";
import type { GuardedManager } from "../guarded-manager.js";
import type { ChangedNames, ChangeFeed, Coverage, FeedListener } from "./change-feed.js";
import { FeedListeners } from "./feed-listeners.js";
import { pause } from "./pause.js";
import { withOwnCall } from "./own-call.js";

/** The first and the longest pause before the manager is asked again after a failure. */
const pauseMs = { first: 100, longest: 10_000 } as const;

/** Hears of changes from a manager that tells of them; asks again where it stopped when that breaks off. */
export class PushedFeed implements ChangeFeed {
  readonly isTold = true;
  readonly #manager: GuardedManager;
  readonly #listeners = new FeedListeners();
  #running: AbortController | undefined;
  #opening = Promise.withResolvers<void>();
  #isOpen = false;
  #revision = 0n;
  #lostAtMs = 0;
  #pollIntervalMs: number | undefined;
  /** What the manager says of its own currency on this stream; undefined as long as it says nothing. */
  #toldCurrentAtMs: number | undefined;

  constructor(manager: GuardedManager) {
    this.#manager = manager;
  }

  get revision(): bigint {
    return this.#revision;
  }

  get pollIntervalMs(): number | undefined {
    return this.#pollIntervalMs;
  }

  get currentAtMs(): number {
    if (!this.#isOpen) return this.#lostAtMs;
    // Nothing is known before it happens, whatever a manager says.
    return Math.min(this.#toldCurrentAtMs ?? Infinity, Date.now());
  }

  join(listener: FeedListener, coverage: Coverage): () => void {
    this.#listeners.add(listener, coverage);
    this.#running ??= this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.isEmpty) this.close();
    };
  }

  async ready(): Promise<void> {
    if (!this.#isOpen) await this.#opening.promise;
  }

  overhear(listener: FeedListener): () => void {
    return this.#listeners.overhear(listener);
  }

  async changesAfter(revision: bigint, signal: AbortSignal): Promise<ChangedNames> {
    if (this.#revision === 0n || revision > this.#revision) throw compacted();
    return await withOwnCall("watch", { signal }, async (call) => {
      const names = new Set<SecretName>();
      for await (const event of this.#manager.watch(call, revision)) {
        if (event.kind === "synced") return { names, revision: event.revision };
        if ("secret" in event && isName(event.secret.name)) names.add(event.secret.name);
      }
      throw this.#ended();
    });
  }

  close(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#revision = 0n;
    this.#lose(new SecretError("MANAGER_UNAVAILABLE", "nobody watches any more"));
  }

  #start(): AbortController {
    const running = new AbortController();
    void this.#run(running.signal);
    return running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    // Nobody has been told anything yet, so nobody has missed anything.
    let isGap = false;
    for (let waitMs: number = pauseMs.first; ; waitMs = Math.min(waitMs * 2, pauseMs.longest)) {
      const startMs = performance.now();
      this.#toldCurrentAtMs = undefined;
      try {
        await withOwnCall("watch", { signal }, async (call) => {
          for await (const event of this.#manager.watch(call, this.#after)) {
            this.#take(event, isGap);
            if (event.kind === "synced") isGap = false;
          }
        });
        throw this.#ended();
      } catch (error) {
        if (signal.aborted) return;
        if (isSecretError(error) && error.reason === "REVISION_COMPACTED") this.#revision = 0n;
        this.#lose(error);
      }
      isGap ||= this.#after === undefined;
      if (performance.now() - startMs > pauseMs.longest) waitMs = pauseMs.first;
      if (!(await pause(waitMs * (0.5 + Math.random() / 2), signal))) return;
    }
  }

  /** Where to go on; undefined where no revisions are kept. */
  get #after(): bigint | undefined {
    return this.#revision > 0n ? this.#revision : undefined;
  }

  #ended(): SecretError {
    return new SecretError("MANAGER_UNAVAILABLE", `${this.#manager.name} stopped telling of changes`);
  }

  #take(event: WatchEvent, isGap: boolean): void {
    this.#revision = event.revision;
    if (event.kind === "current") {
      this.#toldCurrentAtMs = event.asOf.getTime();
    } else if (event.kind === "synced") {
      this.#pollIntervalMs = event.pollIntervalMs;
      if (isGap) this.#listeners.allChanged();
      this.#open();
    } else if (isName(event.secret.name)) {
      this.#listeners.changed(event.secret.name, event.revision);
    }
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#opening.resolve();
  }

  /** Whoever waits to begin is told; whoever has begun sees that nothing is current any more. */
  #lose(error: unknown): void {
    this.#lostAtMs = this.currentAtMs;
    this.#isOpen = false;
    this.#opening.promise.catch(() => undefined);
    this.#opening.reject(error);
    this.#opening = Promise.withResolvers<void>();
  }
}

/** A name that breaks the rules cannot be asked for, so it cannot be watched either. */
function isName(name: string): name is SecretName {
  return secretNameProblem(name) === undefined;
}

function compacted(): SecretError {
  return new SecretError("REVISION_COMPACTED", "changes since that revision are not known");
}
