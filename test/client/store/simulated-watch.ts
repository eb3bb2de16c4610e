import type { KnownVersion, SourceWatch, WatchEvent, WatchSubscription } from "../../../src/client/index.js";
import { SecretError } from "../../../src/domain/secret-error.js";
import { type SimulatedBroker, unavailable } from "./simulated-broker.js";
import { sent } from "./simulated-truth.js";

/** How soon a broker tells of a change at the latest. */
const pushMs = 200;

/** One stream of a simulated broker: in order, late as the network has it, and with heartbeats when all is said. */
export class SimulatedWatch implements SourceWatch {
  readonly #broker: SimulatedBroker;
  readonly #onEnd: () => void;
  readonly #names = new Set<string>();
  readonly #sent = new Map<string, unknown>();
  readonly #due = new Set<string>();
  /** What the network holds up. */
  #held: WatchEvent[] = [];
  readonly #arrived: WatchEvent[] = [];
  #wake = Promise.withResolvers<void>();
  #failure: SecretError | undefined;
  #isClosed = false;
  #currentMs: number;
  #spokeAtMs: number;
  #arrivesAtMs = 0;
  readonly #off: () => void;

  constructor(broker: SimulatedBroker, onEnd: () => void) {
    this.#broker = broker;
    this.#onEnd = onEnd;
    this.#currentMs = broker.clock.now();
    this.#spokeAtMs = this.#currentMs;
    this.#off = broker.truth.on((name) => {
      if (!this.#names.has(name)) return;
      this.#due.add(name);
      broker.clock.after(broker.random() * pushMs, () => {
        this.#deliver();
      });
    });
    if (!broker.canWatch) this.break(new SecretError("CAPABILITY_UNSUPPORTED", "cannot watch"));
    else if (broker.network === "cut") this.break(unavailable());
    else this.#beat();
  }

  subscribe({ names = [], known = new Map(), resumeRevision = 0n }: WatchSubscription): void {
    this.#broker.clock.after(this.#broker.latencyMs(), () => {
      if (this.#isClosed) return;
      if (!this.#broker.isManagerUp) {
        this.break(unavailable());
        return;
      }
      for (const name of names) this.#begin(name, known.get(name), resumeRevision > 0n);
      this.#deliver();
      this.#send({ kind: "synced", revision: this.#revision, pollIntervalMs: undefined });
    });
  }

  /** Begins to tell of a secret, of which the watcher has something or nothing. */
  #begin(name: string, claimed: KnownVersion | undefined, isResumed: boolean): void {
    const secret = this.#broker.truth.at(name, this.#broker.clock.now());
    const isKnown = claimed !== undefined && claimed.version === secret?.version && claimed.uid === secret.uid;
    this.#names.add(name);
    this.#sent.set(name, isKnown ? secret.payload : claimed);
    if (isResumed || isKnown || secret === undefined) this.#due.add(name);
    else this.#tell(name, (found) => ({ kind: "initial", secrets: [found] }));
  }

  unsubscribe({ names = [] }: Pick<WatchSubscription, "names">): void {
    for (const name of names) this.#names.delete(name);
  }

  ack(): void {
    // Nobody waits for it here.
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#off();
    this.#onEnd();
    this.#wake.resolve();
  }

  /** The stream ends for its reader. */
  break(failure: SecretError): void {
    this.#failure ??= failure;
    this.#wake.resolve();
  }

  /** What the network held up comes through. */
  flush(): void {
    const held = this.#held;
    this.#held = [];
    for (const event of held) this.#arrive(event);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent, void, undefined> {
    try {
      for (;;) {
        const event = this.#arrived.shift();
        if (event !== undefined) {
          yield event;
          continue;
        }
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#isClosed) return;
        await this.#wake.promise;
        this.#wake = Promise.withResolvers<void>();
      }
    } finally {
      this.close();
    }
  }

  get #revision(): bigint {
    return BigInt(Math.round(this.#broker.clock.now()));
  }

  /** Sends what has changed, as the manager has it now. */
  #deliver(): void {
    if (this.#isClosed || !this.#broker.isManagerUp) return;
    for (const name of this.#due) this.#tell(name, (secret) => ({ kind: "change", secret, revision: this.#revision }));
    this.#due.clear();
    this.#currentMs = this.#broker.clock.now();
  }

  #tell(name: string, found: (secret: NonNullable<ReturnType<SimulatedBroker["truth"]["at"]>>) => WatchEvent): void {
    const { truth, clock } = this.#broker;
    const secret = truth.at(name, clock.now());
    if (!this.#names.has(name) || this.#sent.get(name) === secret?.payload) return;
    this.#sent.set(name, secret?.payload);
    if (secret !== undefined) this.#send(found(sent(secret)));
    else this.#send({ kind: "removal", name, uid: undefined, revision: this.#revision });
  }

  #beat(): void {
    const { clock, heartbeatMs, skewMs } = this.#broker;
    clock.after(heartbeatMs / 4, () => {
      if (this.#isClosed) return;
      this.#beat();
      this.#deliver();
      if (clock.now() - this.#spokeAtMs < heartbeatMs) return;
      this.#send({ kind: "heartbeat", revision: this.#revision, currentTime: new Date(this.#currentMs + skewMs) });
    });
  }

  #send(event: WatchEvent): void {
    const { clock } = this.#broker;
    this.#spokeAtMs = clock.now();
    // One after the other, however late each is.
    this.#arrivesAtMs = Math.max(this.#arrivesAtMs, clock.now() + this.#broker.latencyMs());
    clock.after(this.#arrivesAtMs - clock.now(), () => {
      this.#arrive(event);
    });
  }

  #arrive(event: WatchEvent): void {
    if (this.#broker.network !== "up" || this.#held.length > 0) this.#held.push(event);
    else this.#arrived.push(event);
    this.#wake.resolve();
  }
}
