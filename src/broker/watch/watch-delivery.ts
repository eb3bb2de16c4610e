import type { SecretName } from "../../domain/secret-name.js";
import type { Call } from "../call.js";
import { runConcurrently } from "../run-concurrently.js";
import { type ChangeFeed, type Coverage, covers } from "./change-feed.js";
import { type ClaimedVersion, HeldSecrets } from "./held-secrets.js";
import type { Subscription, WatchMessage, WatchSize } from "./watch-messages.js";
import { type WatchedState, WatchReader, type WatchReaderParts } from "./watch-reader.js";

/** What deliveries work with. */
export interface WatchDeliveryParts extends WatchReaderParts {
  readonly feed: ChangeFeed;
}

/** Sends a watcher a message; resolves when more can be sent. */
export type SendMessage = (message: WatchMessage) => Promise<void>;

/** What one watcher subscribed, and what it has of it: reads what there is and sends what it does not have yet. */
export class WatchDelivery {
  readonly reader: WatchReader;
  readonly #parts: WatchDeliveryParts;
  readonly #send: SendMessage;
  readonly #names = new Set<SecretName>();
  readonly #prefixes = new Set<string>();
  readonly #held: HeldSecrets;
  // name → the version that is in use
  #acknowledged: Map<SecretName, number> | undefined;

  /** @param onExpiry told when a version the watcher has expires */
  // eslint-disable-next-line max-params -- one for each of thousands of watchers, which share the parts
  constructor(call: Call, parts: WatchDeliveryParts, send: SendMessage, onExpiry: (name: SecretName) => void) {
    this.reader = new WatchReader(call, parts);
    this.#parts = parts;
    this.#send = send;
    this.#held = new HeldSecrets(onExpiry);
  }

  /** What is subscribed; grows and shrinks with it. */
  get coverage(): Coverage {
    return { names: this.#names, prefixes: this.#prefixes };
  }

  /** How many names and prefixes are subscribed. */
  get size(): WatchSize {
    return { names: this.#names.size, prefixes: this.#prefixes.size };
  }

  /** What the watcher has acknowledged. */
  get acknowledged(): ReadonlyMap<SecretName, number> {
    return this.#acknowledged ?? nothingAcknowledged;
  }

  /** Whether it was sent a secret, and was not told since that it is gone. */
  holds(name: SecretName): boolean {
    return this.#held.has(name);
  }

  /** Notes which version of a secret is in use. Of what it does not watch nothing may fill the memory. */
  acknowledge(name: SecretName, version: number): void {
    if (!covers(this.coverage, name) || !this.#held.has(name)) return;
    (this.#acknowledged ??= new Map<SecretName, number>()).set(name, version);
  }

  /** Adds to what is subscribed. */
  add({ names, prefixes }: Pick<Subscription, "names" | "prefixes">): void {
    for (const name of names) this.#names.add(name);
    for (const prefix of prefixes) this.#prefixes.add(prefix);
  }

  /** Takes away from what is subscribed, and forgets what the watcher has of it. */
  remove({ names, prefixes }: Pick<Subscription, "names" | "prefixes">): void {
    for (const name of names) this.#names.delete(name);
    for (const prefix of prefixes) this.#prefixes.delete(prefix);
    this.#held.keep((name) => covers(this.coverage, name));
  }

  /** The watcher says what it has. */
  claim(known: ReadonlyMap<SecretName, ClaimedVersion>): void {
    for (const [name, version] of known) if (covers(this.coverage, name)) this.#held.claim(name, version);
  }

  /** Forgets what the watcher has. */
  end(): void {
    this.#held.keep(() => false);
  }

  /** Sends all there is of a subscription. Returns the revision it is of at least. */
  async sendAll(subscription: Subscription): Promise<bigint> {
    const { revision } = this.#parts.feed;
    const unseen = new Set(subscription.known.keys());
    for await (const names of this.reader.namesOf(subscription)) {
      await this.#sendPart(names, revision);
      for (const name of names) unseen.delete(name);
    }
    // What it has and nobody lists any more.
    for (const name of unseen) await this.deliver(name, revision);
    return revision;
  }

  /** What has changed since, as changes; the rest is with the watcher already. */
  async sendSince(since: bigint, known: Iterable<SecretName>): Promise<bigint> {
    const { feed } = this.#parts;
    const { names, revision } = await this.reader.under(({ signal }) => feed.changesAfter(since, signal));
    for (const name of names) {
      if (!this.#mayBeTold(name)) continue;
      // It has something of that name, and whatever it is, it is not what there is now.
      this.#held.release(name);
      this.#held.claim(name, { version: 0, uid: undefined });
      await this.deliver(name, revision);
    }
    // Whether they changed or not: of what it may watch no more, nothing tells that.
    for (const name of known) if (!this.reader.mayWatch(name)) await this.deliver(name, revision);
    return revision;
  }

  /** Every name that is subscribed, exists under a prefix that is, or is with the watcher; some of them may come twice. */
  async *everyName(): AsyncGenerator<readonly SecretName[]> {
    yield this.#held.names;
    yield* this.reader.namesOf({ names: [...this.#names], prefixes: [...this.#prefixes] });
  }

  /** Sends what became of a secret, unless the watcher has it already. */
  async deliver(name: SecretName, revision: bigint): Promise<void> {
    if (!covers(this.coverage, name)) return;
    const state = this.reader.mayWatch(name) ? await this.reader.read(name, this.#held) : absent;
    if (state.kind === "absent") await this.#remove(name, revision);
    else if (this.#take(state)) await this.#send({ kind: "change", secret: state.secret, revision });
  }

  async #sendPart(names: readonly SecretName[], revision: bigint): Promise<void> {
    const { concurrency } = this.#parts.settings();
    const states = await runConcurrently(names, concurrency, (name) => this.reader.read(name, this.#held));
    const secrets = states.flatMap((state) => (this.#take(state) ? [state.secret] : []));
    if (secrets.length > 0) await this.#send({ kind: "initial", secrets });
    for (const [index, name] of names.entries()) {
      if (states[index]?.kind === "absent") await this.#remove(name, revision);
    }
  }

  /** Notes that the watcher has what was read, unless it was unsubscribed meanwhile; tells whether to send it. */
  #take(state: WatchedState): state is WatchedState & { readonly kind: "released" } {
    if (state.kind === "absent" || !covers(this.coverage, state.secret.name)) return false;
    this.#held.hold(state.secret);
    return state.kind === "released";
  }

  /** Whether it may hear of a name at all: of another that it neither has nor may watch, not even that there is one. */
  #mayBeTold(name: SecretName): boolean {
    return covers(this.coverage, name) && (this.#held.has(name) || this.reader.mayWatch(name));
  }

  async #remove(name: SecretName, revision: bigint): Promise<void> {
    const held = this.#held.release(name);
    if (held === undefined) return;
    this.#acknowledged?.delete(name);
    const uid = this.reader.mayWatch(name) ? held.uid : undefined;
    await this.#send({ kind: "removal", name, uid, revision });
  }
}

const absent: WatchedState = { kind: "absent" };
const nothingAcknowledged: ReadonlyMap<SecretName, number> = new Map<SecretName, number>();
