import type { Caller } from "../../domain/caller.js";
import { isSecretError, type SecretError } from "../../domain/secret-error.js";
import type { SecretName } from "../../domain/secret-name.js";
import type { Log } from "../../log/log.js";
import type { Call } from "../call.js";
import type { ChangeFeed, FeedListener } from "./change-feed.js";
import { ConfirmedRemovals } from "./confirmed-removals.js";
import { PostponedNames } from "./postponed-names.js";
import { type SendMessage, WatchDelivery, type WatchDeliveryParts } from "./watch-delivery.js";
import type { RefusedVersion, Subscription, UsedVersion, WatchSize } from "./watch-messages.js";

/** What every watch works with. */
export interface SecretWatchParts extends WatchDeliveryParts {
  readonly log: Log;
}

/** A subscription that waits for its turn. */
interface Waiting {
  readonly subscription: Subscription;
  readonly done: () => void;
}

/**
 * One watcher: what it subscribed, what it has, and what may have changed since. One message is on its way at a time, and
 * what may have changed waits as a name, once: a watcher that reads slowly is sent the newest state, and nothing grows
 * with the number of changes. There may be thousands that have nothing to do for hours, so one that waits holds no
 * promise of it, and what it does not need now it does not have.
 */
export class SecretWatch implements FeedListener {
  readonly #call: Call;
  readonly #parts: SecretWatchParts;
  readonly #send: SendMessage;
  readonly #delivery: WatchDelivery;
  #removals: ConfirmedRemovals | undefined;
  // name → revision of its change, in the order they came
  #due: Map<SecretName, bigint> | undefined;
  #postponed: PostponedNames | undefined;
  #subscriptions: Waiting[] | undefined;
  #mustCheckAll = false;
  #isBeatDue = false;
  #beat: NodeJS.Timeout | undefined;
  /** Set from when it runs until it has ended. */
  #running: { readonly leave: () => void; readonly end: (error: unknown) => void } | undefined;
  #isBusy = false;
  #failure: SecretError | undefined;
  /** Everything up to here has been sent. */
  #sent: { readonly revision: bigint; readonly currentAtMs: number } = { revision: 0n, currentAtMs: 0 };
  /** When something was subscribed last, in milliseconds since the epoch. */
  #subscribedAtMs = -Infinity;

  constructor(call: Call, parts: SecretWatchParts, send: SendMessage) {
    this.#call = call;
    this.#parts = parts;
    this.#send = send;
    this.#delivery = new WatchDelivery(call, parts, send, (name) => {
      this.changed(name, parts.feed.revision);
    });
  }

  /** Who watches. */
  get caller(): Caller {
    return this.#call.caller;
  }

  /** Who tells it of changes. */
  get feed(): ChangeFeed {
    return this.#parts.feed;
  }

  /** What the watcher has acknowledged. */
  get acknowledged(): ReadonlyMap<SecretName, number> {
    return this.#delivery.acknowledged;
  }

  /** How many names and prefixes are subscribed. */
  get size(): WatchSize {
    return this.#delivery.size;
  }

  /** Adds to what is watched; resolves once what there is has been sent. */
  subscribe(subscription: Subscription): Promise<void> {
    this.#subscribedAtMs = Date.now();
    return new Promise((resolve) => {
      (this.#subscriptions ??= []).push({ subscription, done: resolve });
      this.#wake();
    });
  }

  /** Takes away from what is watched. */
  unsubscribe(subscription: Pick<Subscription, "names" | "prefixes">): void {
    this.#delivery.remove(subscription);
  }

  /** Notes which version of a secret is in use, for whoever asks what a rotation waits for. */
  acknowledge({ name, version }: UsedVersion): void {
    if (version === 0) this.#removals?.confirm(name);
    else this.#delivery.acknowledge(name, version);
  }

  /** Whether it was sent a secret, and was not told since that it is gone. */
  holds(name: SecretName): boolean {
    return this.#delivery.holds(name);
  }

  /** Takes a secret away that the policy releases no more; resolves to whether the watcher confirmed that. */
  async drop(name: SecretName): Promise<boolean> {
    const confirmed = (this.#removals ??= new ConfirmedRemovals()).waitFor(name);
    this.changed(name, this.#parts.feed.revision);
    return await confirmed;
  }

  /** Logs that a version could not be used. */
  refuse({ name, version, code }: RefusedVersion): void {
    if (!this.#delivery.holds(name)) return;
    const { requestId, caller } = this.#call;
    const facts = { requestId, principal: caller.principal, name, version, code };
    this.#parts.log.warn(facts, "a watcher could not use a version");
  }

  /** {@inheritDoc FeedListener.changed} */
  changed(name: SecretName, revision: bigint): void {
    (this.#due ??= new Map<SecretName, bigint>()).set(name, revision);
    this.#wake();
  }

  /** {@inheritDoc FeedListener.allChanged} */
  allChanged(): void {
    this.#mustCheckAll = true;
    this.#wake();
  }

  /** Ends the watch. */
  fail(error: SecretError): void {
    this.#failure ??= error;
    this.#delivery.reader.cancel();
    this.#wake();
  }

  /** Sends what there is to send until it fails. @throws SecretError why it ended */
  run(): Promise<never> {
    return new Promise<never>((_resolve, reject) => {
      this.#running = { leave: this.#parts.feed.join(this, this.#delivery.coverage), end: reject };
      this.#noteProgress();
      this.#beatAt(performance.now() + this.#parts.settings().heartbeatMs);
      this.#wake();
    });
  }

  /** Not at once: whoever tells of a change tells all the others first. */
  #wake(): void {
    if (this.#isBusy || this.#running === undefined) return;
    this.#isBusy = true;
    queueMicrotask(() => void this.#work());
  }

  async #work(): Promise<void> {
    try {
      while (this.#failure === undefined) if (!(await this.#step())) return;
      this.#end(this.#failure);
    } catch (error) {
      this.#end(this.#failure ?? error);
    }
  }

  #end(error: unknown): void {
    const running = this.#running;
    this.#running = undefined;
    running?.leave();
    clearTimeout(this.#beat);
    this.#postponed?.close();
    this.#removals?.end();
    this.#delivery.end();
    for (const { done } of this.#subscriptions ?? []) done();
    running?.end(error);
  }

  /** Does what comes next; tells whether there was anything to do. */
  async #step(): Promise<boolean> {
    const next = this.#isBeatDue ? undefined : this.#subscriptions?.shift();
    const [due] = this.#due ?? [];
    if (this.#isBeatDue) {
      await this.#sendBeat();
    } else if (next !== undefined) {
      await this.#begin(next.subscription).finally(next.done);
    } else if (this.#mustCheckAll) {
      this.#mustCheckAll = false;
      await this.#checkAll();
    } else if (due !== undefined) {
      await this.#refresh(...due);
    } else {
      this.#rest();
      return false;
    }
    return true;
  }

  #rest(): void {
    this.#isBusy = false;
    this.#noteProgress();
    this.#subscriptions = undefined;
    this.#due = undefined;
  }

  /** On a fixed clock, whatever else is sent: one that comes late does not put off those after it. */
  #beatAt(timeMs: number): void {
    this.#beat = setTimeout(
      () => {
        this.#isBeatDue = true;
        this.#wake();
        this.#beatAt(Math.max(timeMs + this.#parts.settings().heartbeatMs, performance.now()));
      },
      Math.max(timeMs - performance.now(), 0),
    ).unref();
  }

  async #sendBeat(): Promise<void> {
    this.#isBeatDue = false;
    this.#noteProgress();
    await this.#send({ kind: "heartbeat", ...this.#sent });
  }

  /**
   * Where nothing is due, everything the feed has told of has been sent. Watchers do not know this clock: to them a time
   * that is named anew lies after they subscribed, so none from before is.
   */
  #noteProgress(): void {
    if (this.#mustCheckAll || (this.#due?.size ?? 0) > 0 || this.#postponed?.isEmpty === false) return;
    const { revision, currentAtMs } = this.#parts.feed;
    const isSince = currentAtMs >= this.#subscribedAtMs;
    this.#sent = { revision, currentAtMs: isSince ? currentAtMs : this.#sent.currentAtMs };
  }

  async #begin(subscription: Subscription): Promise<void> {
    const { feed } = this.#parts;
    const { reader } = this.#delivery;
    await reader.enter(subscription);
    // From here on changes are told, so what changes while the rest is read is seen twice rather than not at all.
    this.#delivery.add(subscription);
    await reader.under(() => feed.ready());
    this.#delivery.claim(subscription.known);
    const { resumeRevision, known } = subscription;
    const isAnew = resumeRevision === 0n;
    const reached = isAnew
      ? await this.#delivery.sendAll(subscription)
      : await this.#delivery.sendSince(resumeRevision, known.keys());
    const revision = await this.#catchUp(reached);
    await this.#send({ kind: "synced", revision, pollIntervalMs: feed.pollIntervalMs });
  }

  /** Sends what was due when a subscription was answered, which may be of another; returns up to where all was sent. */
  async #catchUp(revision: bigint): Promise<bigint> {
    for (const [name, changeRevision] of [...(this.#due ?? [])]) {
      if (changeRevision <= revision) await this.#refresh(name, changeRevision);
    }
    return this.#postponed?.isEmpty === false ? this.#sent.revision : revision;
  }

  /** After a gap in what was told, and when the policy has changed. */
  async #checkAll(): Promise<void> {
    const { revision } = this.#parts.feed;
    for await (const names of this.#delivery.everyName()) {
      for (const name of names) this.changed(name, revision);
    }
  }

  /** Sends what is due of a name: what cannot be read for now is tried again. */
  async #refresh(name: SecretName, revision: bigint): Promise<void> {
    this.#due?.delete(name);
    try {
      await this.#delivery.deliver(name, revision);
      this.#postponed?.settle(name);
    } catch (error) {
      if (this.#failure !== undefined || !isSecretError(error)) throw error;
      this.#postponed ??= new PostponedNames((each) => {
        this.changed(each, this.#parts.feed.revision);
      });
      this.#postponed.add(name);
    }
  }
}
