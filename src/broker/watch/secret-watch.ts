import type { Caller } from "../../domain/caller.js";
import { isSecretError, type SecretError } from "../../domain/secret-error.js";
import type { SecretName } from "../../domain/secret-name.js";
import type { Log } from "../../log/log.js";
import type { Call } from "../call.js";
import { runConcurrently } from "../run-concurrently.js";
import { type ChangeFeed, type Coverage, covers, type FeedListener } from "./change-feed.js";
import { ConfirmedRemovals } from "./confirmed-removals.js";
import { HeldSecrets } from "./held-secrets.js";
import { Wakeup } from "./wakeup.js";
import type { RefusedVersion, Subscription, UsedVersion, WatchMessage, WatchSize } from "./watch-messages.js";
import { WatchReader, type WatchReaderParts } from "./watch-reader.js";

/** What a watch works with. */
export interface SecretWatchParts extends WatchReaderParts {
  readonly feed: ChangeFeed;
  readonly log: Log;
  /** Resolves when more can be sent. */
  readonly send: (message: WatchMessage) => Promise<void>;
}

/** How long until what could not be read is tried again, at first and at most. */
const retryMs = { first: 500, longest: 30_000 } as const;

/**
 * One watcher: what it subscribed, what it has, and what may have changed since. One message is on its way at a time, and
 * what may have changed waits as a name, once: a watcher that reads slowly is sent the newest state, and nothing grows
 * with the number of changes.
 */
export class SecretWatch implements FeedListener {
  /** What the watcher has acknowledged. */
  readonly acknowledged: Map<SecretName, number> = new Map<SecretName, number>();
  readonly #call: Call;
  readonly #parts: SecretWatchParts;
  readonly #reader: WatchReader;
  readonly #names = new Set<SecretName>();
  readonly #prefixes = new Set<string>();
  readonly #held: HeldSecrets;
  readonly #removals = new ConfirmedRemovals();
  // name → revision of its change, in the order they came
  readonly #due = new Map<SecretName, bigint>();
  /** What could not be read for now. */
  readonly #postponed = new Set<SecretName>();
  readonly #subscriptions: { readonly subscription: Subscription; readonly done: () => void }[] = [];
  readonly #wakeup = new Wakeup();
  #mustCheckAll = false;
  #retry: NodeJS.Timeout | undefined;
  #retryMs: number = retryMs.first;
  #failure: SecretError | undefined;
  #spokeAtMs: number = performance.now();
  /** Everything up to here has been sent. */
  #sent: { readonly revision: bigint; readonly currentAtMs: number } = { revision: 0n, currentAtMs: 0 };

  constructor(call: Call, parts: SecretWatchParts) {
    this.#call = call;
    this.#parts = parts;
    this.#reader = new WatchReader(call, parts);
    this.#held = new HeldSecrets((name) => {
      this.changed(name, parts.feed.revision);
    });
  }

  /** Who watches. */
  get caller(): Caller {
    return this.#call.caller;
  }

  /** How many names and prefixes are subscribed. */
  get size(): WatchSize {
    return { names: this.#names.size, prefixes: this.#prefixes.size };
  }

  /** Adds to what is watched; resolves once what there is has been sent. */
  subscribe(subscription: Subscription): Promise<void> {
    return new Promise((resolve) => {
      this.#subscriptions.push({ subscription, done: resolve });
      this.#wakeup.wake();
    });
  }

  /** Takes away from what is watched. */
  unsubscribe({ names, prefixes }: Pick<Subscription, "names" | "prefixes">): void {
    for (const name of names) this.#names.delete(name);
    for (const prefix of prefixes) this.#prefixes.delete(prefix);
    this.#held.keep((name) => covers(this.#coverage, name));
  }

  /** Notes which version of a secret is in use, for whoever asks what a rotation waits for. */
  acknowledge({ name, version }: UsedVersion): void {
    if (version === 0) this.#removals.confirm(name);
    // Of what it does not watch it is told nothing, and it must not fill the memory.
    else if (covers(this.#coverage, name) && this.#held.has(name)) this.acknowledged.set(name, version);
  }

  /** Whether it was sent a secret, and was not told since that it is gone. */
  holds(name: SecretName): boolean {
    return this.#held.has(name);
  }

  /** Takes a secret away that the policy releases no more; resolves to whether the watcher confirmed that. */
  async drop(name: SecretName): Promise<boolean> {
    const confirmed = this.#removals.waitFor(name);
    this.changed(name, this.#parts.feed.revision);
    return await confirmed;
  }

  /** Logs that a version could not be used. */
  refuse({ name, version, code }: RefusedVersion): void {
    if (!this.#held.has(name)) return;
    const { requestId, caller } = this.#call;
    const facts = { requestId, principal: caller.principal, name, version, code };
    this.#parts.log.warn(facts, "a watcher could not use a version");
  }

  /** {@inheritDoc FeedListener.changed} */
  changed(name: SecretName, revision: bigint): void {
    this.#due.set(name, revision);
    this.#wakeup.wake();
  }

  /** {@inheritDoc FeedListener.allChanged} */
  allChanged(): void {
    this.#mustCheckAll = true;
    this.#wakeup.wake();
  }

  /** {@inheritDoc FeedListener.advanced} */
  advanced(): void {
    this.#wakeup.wake();
  }

  /** Ends the watch. */
  fail(error: SecretError): void {
    this.#failure ??= error;
    this.#reader.cancel();
    this.#wakeup.wake();
  }

  /** Sends what there is to send until it fails. @throws SecretError why it ended */
  async run(): Promise<never> {
    const leave = this.#parts.feed.join(this, this.#coverage);
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure;
        await this.#step();
      }
    } finally {
      leave();
      clearTimeout(this.#retry);
      this.#removals.end();
      this.#held.keep(() => false);
      for (const { done } of this.#subscriptions) done();
    }
  }

  get #coverage(): Coverage {
    return { names: this.#names, prefixes: this.#prefixes };
  }

  async #step(): Promise<void> {
    const next = this.#subscriptions.shift();
    if (next !== undefined) {
      await this.#begin(next.subscription).finally(next.done);
      return;
    }
    if (this.#mustCheckAll) {
      this.#mustCheckAll = false;
      await this.#checkAll();
      return;
    }
    for (const [name, revision] of this.#due) {
      this.#due.delete(name);
      await this.#refresh(name, revision);
      return;
    }
    this.#noteProgress();
    // However often it is woken for nothing.
    const restMs = this.#parts.settings().heartbeatMs - (performance.now() - this.#spokeAtMs);
    if (restMs > 0 && (await this.#wakeup.within(restMs))) return;
    this.#noteProgress();
    await this.#send({ kind: "heartbeat", ...this.#sent });
  }

  async #send(message: WatchMessage): Promise<void> {
    this.#spokeAtMs = performance.now();
    await this.#parts.send(message);
  }

  /** Nothing is due, so everything the feed has told of has been sent. */
  #noteProgress(): void {
    const { revision, currentAtMs } = this.#parts.feed;
    if (this.#postponed.size === 0) this.#sent = { revision, currentAtMs };
  }

  async #begin(subscription: Subscription): Promise<void> {
    const { feed } = this.#parts;
    await this.#reader.enter(subscription);
    // From here on changes are told, so what changes while the rest is read is seen twice rather than not at all.
    for (const name of subscription.names) this.#names.add(name);
    for (const prefix of subscription.prefixes) this.#prefixes.add(prefix);
    await this.#reader.under(() => feed.ready());
    for (const [name, version] of subscription.known) {
      if (covers(this.#coverage, name)) this.#held.claim(name, version);
    }
    const { resumeRevision } = subscription;
    const isAnew = resumeRevision === 0n;
    const revision = isAnew ? await this.#sendAll(subscription) : await this.#sendSince(resumeRevision);
    await this.#send({ kind: "synced", revision, pollIntervalMs: feed.pollIntervalMs });
  }

  async #sendAll(subscription: Subscription): Promise<bigint> {
    const { feed, settings } = this.#parts;
    const { revision } = feed;
    const unseen = new Set(subscription.known.keys());
    for await (const names of this.#reader.namesOf(subscription)) {
      const found = await runConcurrently(names, settings().concurrency, async (name) => ({
        secret: await this.#reader.read(name, this.#held),
      }));
      for (const name of names) unseen.delete(name);
      const secrets = found.flatMap(({ secret }) =>
        secret === undefined || this.#held.isHeld(secret) ? [] : [secret],
      );
      for (const { secret } of found) if (secret !== undefined) this.#held.hold(secret);
      if (secrets.length > 0) await this.#send({ kind: "initial", secrets });
      const isFound = new Set(found.map(({ secret }) => secret?.name));
      for (const name of names) if (!isFound.has(name)) await this.#remove(name, revision);
    }
    // What it has and nobody lists any more.
    for (const name of unseen) await this.#deliver(name, revision);
    return revision;
  }

  /** What has changed since, as changes; the rest is with the watcher already. */
  async #sendSince(since: bigint): Promise<bigint> {
    const { feed } = this.#parts;
    const { names, revision } = await this.#reader.under(({ signal }) => feed.changesAfter(since, signal));
    for (const name of names) {
      // It has something of that name, and whatever it is, it is not what there is now.
      this.#held.release(name);
      if (covers(this.#coverage, name)) this.#held.claim(name, { version: 0, uid: undefined });
      await this.#deliver(name, revision);
    }
    return revision;
  }

  /** After a gap in what was told, and when the policy has changed. */
  async #checkAll(): Promise<void> {
    const { revision } = this.#parts.feed;
    for (const name of this.#held.names) this.#due.set(name, revision);
    for await (const names of this.#reader.namesOf({ names: [...this.#names], prefixes: [...this.#prefixes] })) {
      for (const name of names) this.#due.set(name, revision);
    }
  }

  /** The same for what has changed meanwhile: what cannot be read for now is tried again. */
  async #refresh(name: SecretName, revision: bigint): Promise<void> {
    try {
      await this.#deliver(name, revision);
      this.#settle(name);
    } catch (error) {
      if (this.#failure !== undefined || !isSecretError(error)) throw error;
      this.#postpone(name);
    }
  }

  /** Sends what became of a secret, unless the watcher has it already. */
  async #deliver(name: SecretName, revision: bigint): Promise<void> {
    if (!covers(this.#coverage, name)) return;
    const secret = this.#reader.mayWatch(name) ? await this.#reader.read(name, this.#held) : undefined;
    if (secret === undefined) {
      await this.#remove(name, revision);
    } else if (!this.#held.isHeld(secret)) {
      this.#held.hold(secret);
      await this.#send({ kind: "change", secret, revision });
    }
  }

  async #remove(name: SecretName, revision: bigint): Promise<void> {
    const held = this.#held.release(name);
    if (held === undefined) return;
    this.acknowledged.delete(name);
    const uid = this.#reader.mayWatch(name) ? held.uid : undefined;
    await this.#send({ kind: "removal", name, uid, revision });
  }

  #postpone(name: SecretName): void {
    this.#postponed.add(name);
    if (this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#retryMs = Math.min(this.#retryMs * 2, retryMs.longest);
      for (const each of this.#postponed) this.changed(each, this.#parts.feed.revision);
    }, this.#retryMs).unref();
  }

  #settle(name: SecretName): void {
    this.#postponed.delete(name);
    if (this.#postponed.size === 0) this.#retryMs = retryMs.first;
  }
}
