import { isSecretError, SecretError } from "../../domain/secret-error.js";
import type { Secret } from "../../domain/secret.js";
import type { KnownVersion, WatchEvent } from "../watch/watch-events.js";
import { isFinal, type SecretShelf } from "./secret-shelf.js";
import type { StoreClock } from "./store-clock.js";
import type { SecretSource, SourceWatch } from "./store-source.js";
import { WatchedTime } from "./watched-time.js";

/** What a watcher works with. */
export interface StoreWatcherParts {
  readonly source: SecretSource;
  readonly shelf: SecretShelf;
  readonly clock: StoreClock;
  readonly random: () => number;
  readonly onProblem: (problem: SecretError) => void;
}

/** Names that were subscribed together, and when. */
interface Subscribed {
  readonly names: readonly string[];
  readonly saidAtMs: number;
}

/** The first and the longest pause before the broker is asked again, in milliseconds. */
const pauseMs = { first: 1_000, longest: 30_000 } as const;
/** How long a broker that cannot watch, or does not let this caller, is not asked to. */
const refusedPauseMs = 300_000;
/** How many names one message subscribes. */
const partSize = 1_000;

/** Keeps a stream to the broker, and the shelf in step with what it tells. */
export class StoreWatcher {
  readonly #parts: StoreWatcherParts;
  readonly #names = new Set<string>();
  /** Names the broker does not let this caller watch; they are asked for instead. */
  readonly #refused = new Set<string>();
  #refusedAtMs = 0;
  /** What was in step when the stream broke: only what has changed since is sent. */
  #resumable = new Set<string>();
  #revision = 0n;
  #watch: SourceWatch | undefined;
  #asked: Subscribed[] = [];
  /** What the stream has answered for, and tells every change of. */
  readonly #inStep = new Set<string>();
  #time: WatchedTime = new WatchedTime(0);
  #failures = 0;
  #cancelPause: (() => void) | undefined;
  /** Whether it waits for something to watch. */
  #isIdle = false;
  #isClosed = false;

  constructor(parts: StoreWatcherParts) {
    this.#parts = parts;
  }

  /** What is to be kept fresh, be it there or not. */
  get names(): IterableIterator<string> {
    return this.#names.values();
  }

  /** Whether a name is to be kept fresh. */
  wants(name: string): boolean {
    return this.#names.has(name);
  }

  /** Whether a stream tells of a name's changes. */
  covers(name: string): boolean {
    return this.#inStep.has(name);
  }

  /** Begins. */
  start(names: Iterable<string>): void {
    for (const name of names) this.#names.add(name);
    void this.#run();
  }

  /** Adds a name. */
  add(name: string): void {
    if (this.#names.has(name)) return;
    this.#names.add(name);
    if (this.#watch !== undefined) this.#subscribe(this.#watch, [name]);
    else if (this.#isIdle) this.#hurry();
  }

  /** Takes a name away. */
  remove(name: string): void {
    if (!this.#names.delete(name)) return;
    this.#refused.delete(name);
    this.#resumable.delete(name);
    this.#inStep.delete(name);
    this.#watch?.unsubscribe({ names: [name] });
  }

  /** Ends for good. */
  close(): void {
    this.#isClosed = true;
    this.#watch?.close();
    this.#hurry();
  }

  async #run(): Promise<void> {
    do {
      await this.#pause(await this.#follow());
    } while (!this.#isClosed);
  }

  /** Follows one stream to its end; resolves to how long to wait before the next. */
  async #follow(): Promise<number> {
    const { source, shelf, clock } = this.#parts;
    if (clock.now() - this.#refusedAtMs >= refusedPauseMs) this.#refused.clear();
    const names = [...this.#names].filter((name) => !this.#refused.has(name));
    this.#isIdle = names.length === 0;
    if (this.#isIdle) return refusedPauseMs;
    this.#asked = [];
    this.#time = new WatchedTime(clock.now());
    try {
      const watch = source.watchSecrets({ keepsProcessAlive: false });
      this.#watch = watch;
      this.#begin(watch, names);
      for await (const event of watch) this.#take(watch, event);
      return this.#backOff(undefined);
    } catch (error) {
      return this.#fail(error);
    } finally {
      this.#watch = undefined;
      this.#inStep.clear();
      this.#resumable = new Set([...shelf.held].filter(({ isWatched }) => isWatched).map(({ name }) => name));
      shelf.unwatch();
    }
  }

  #begin(watch: SourceWatch, names: readonly string[]): void {
    const resumed = this.#revision === 0n ? [] : names.filter((name) => this.#isResumable(name));
    const isResumed = new Set(resumed);
    const fresh = names.filter((name) => !isResumed.has(name));
    for (const part of partsOf(resumed)) this.#subscribe(watch, part, this.#revision);
    for (const part of partsOf(fresh)) this.#subscribe(watch, part);
  }

  #isResumable(name: string): boolean {
    return this.#resumable.has(name) && this.#parts.shelf.find(name) !== undefined;
  }

  #subscribe(watch: SourceWatch, names: readonly string[], resumeRevision?: bigint): void {
    const { shelf, clock } = this.#parts;
    const known = new Map<string, KnownVersion>();
    for (const name of names) {
      const held = shelf.find(name);
      if (held?.version !== undefined) known.set(name, { version: held.version, uid: held.uid });
    }
    this.#asked.push({ names, saidAtMs: clock.now() });
    watch.subscribe({ names, known, resumeRevision });
  }

  #take(watch: SourceWatch, event: WatchEvent): void {
    switch (event.kind) {
      case "initial":
        for (const secret of event.secrets) this.#put(watch, secret, this.#asked[0]?.saidAtMs);
        break;
      case "change":
        this.#put(watch, event.secret, undefined);
        break;
      case "removal":
        this.#remove(watch, event.name);
        break;
      case "synced":
        this.#revision = event.revision;
        this.#noteAnswered(watch, this.#asked.shift());
        break;
      case "heartbeat":
        this.#revision = event.revision;
        this.#noteHeartbeat(event.currentTime);
        break;
    }
  }

  /** @param readAfterMs after when the broker read it, where that is known better than for everything it tells */
  #put(watch: SourceWatch, secret: Secret, readAfterMs = -Infinity): void {
    const { shelf, clock } = this.#parts;
    const { name, version } = secret;
    if (!this.#names.has(name)) return;
    shelf.noteTelling(name, clock.now());
    if (!shelf.put(secret, Math.max(readAfterMs, this.#time.sentAfterMs, shelf.watchedAtMs))) return;
    const held = shelf.find(name);
    if (held !== undefined) held.isWatched = this.#inStep.has(name);
    if (version !== undefined) watch.ack(name, version);
  }

  #remove(watch: SourceWatch, name: string): void {
    const { shelf, clock } = this.#parts;
    if (!this.#names.has(name)) return;
    shelf.noteTelling(name, clock.now());
    const message = `secret "${name}" is gone: it was deleted or frozen, or may not be read any more`;
    const error = new SecretError("SECRET_NOT_FOUND", message, { metadata: { name } });
    // Where it is gone already, why that is may be known better.
    const absence = shelf.find(name) === undefined ? shelf.absenceOf(name) : undefined;
    if (absence === undefined || !isFinal(absence.error)) {
      shelf.drop(name, { error, knownAtMs: clock.now() });
    }
    // What was to be taken back is gone by now.
    watch.ack(name, 0);
  }

  /** The broker has read everything that was subscribed then, after it was. */
  #noteAnswered(watch: SourceWatch, subscribed: Subscribed | undefined): void {
    if (subscribed === undefined) return;
    this.#failures = 0;
    this.#time.noteAnswer(subscribed.saidAtMs);
    for (const name of subscribed.names) {
      if (!this.#names.has(name)) continue;
      this.#inStep.add(name);
      const held = this.#parts.shelf.find(name);
      if (held === undefined) continue;
      held.isWatched = true;
      held.knownAtMs = Math.max(held.knownAtMs, subscribed.saidAtMs);
      if (held.version !== undefined) watch.ack(name, held.version);
    }
  }

  #noteHeartbeat(currentTime: Date | undefined): void {
    const { shelf, clock } = this.#parts;
    const watchedAtMs = currentTime && this.#time.read(currentTime.getTime(), clock.now());
    if (watchedAtMs !== undefined) shelf.noteWatched(watchedAtMs);
  }

  #fail(error: unknown): number {
    const { onProblem } = this.#parts;
    const problem = isSecretError(error)
      ? error
      : new SecretError("INTERNAL_ERROR", "the stream of changes broke", { cause: error });
    onProblem(problem);
    switch (problem.reason) {
      case "REVISION_COMPACTED":
        this.#revision = 0n;
        return this.#backOff(problem);
      case "CAPABILITY_UNSUPPORTED":
        return refusedPauseMs;
      case "POLICY_DENIED":
      case "KEY_NOT_HOSTED":
      case "ACCESS_MODE_DENIED":
        return this.#refuse(problem);
      default:
        return this.#backOff(problem);
    }
  }

  /** One name that may not be watched keeps the others from it no longer than until the next try. */
  #refuse({ metadata }: SecretError): number {
    const { name } = metadata;
    if (name === undefined || !this.#names.has(name) || this.#refused.has(name)) return refusedPauseMs;
    this.#refused.add(name);
    this.#refusedAtMs = this.#parts.clock.now();
    return 0;
  }

  /** Clients whose broker went away together do not come back together. */
  #backOff(problem: SecretError | undefined): number {
    const longestMs = Math.min(pauseMs.first * 2 ** this.#failures, pauseMs.longest);
    this.#failures += 1;
    return (problem?.retryAfterMs ?? 0) + longestMs * this.#parts.random();
  }

  #pause(delayMs: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#parts.clock.after(delayMs, () => {
        this.#hurry();
      });
      this.#cancelPause = (): void => {
        cancel();
        resolve();
      };
    });
  }

  #hurry(): void {
    const end = this.#cancelPause;
    this.#cancelPause = undefined;
    end?.();
  }
}

function partsOf(names: readonly string[]): readonly (readonly string[])[] {
  const count = Math.ceil(names.length / partSize);
  return Array.from({ length: count }, (_, part) => names.slice(part * partSize, (part + 1) * partSize));
}
