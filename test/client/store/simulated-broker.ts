import type {
  BatchReadRequest,
  BatchReadResult,
  ReadAnswer,
  ReadRequest,
  SecretSource,
} from "../../../src/client/index.js";
import { isSecretError, SecretError } from "../../../src/domain/secret-error.js";
import type { SimulatedClock } from "./simulated-clock.js";
import { sent, type SimulatedTruth, type State } from "./simulated-truth.js";
import { SimulatedWatch } from "./simulated-watch.js";

/** How the way to the broker is: `cut` fails at once, `silent` swallows everything and holds streams up. */
export type Network = "up" | "cut" | "silent";

/** A broker in simulated time, with a clock of its own, a cache, a manager that may be down, and a bad network. */
export class SimulatedBroker implements SecretSource {
  readonly clock: SimulatedClock;
  readonly truth: SimulatedTruth;
  readonly random: () => number;
  /** How far its clock is ahead of the client's. */
  readonly skewMs: number;
  /** How long it says nothing at most. */
  readonly heartbeatMs: number = 10_000;
  network: Network = "up";
  isManagerUp = true;
  canWatch = true;
  /** How many calls it was asked. */
  calls = 0;
  readonly #watches = new Set<SimulatedWatch>();

  constructor(parts: Pick<SimulatedBroker, "clock" | "truth" | "random" | "skewMs">) {
    this.clock = parts.clock;
    this.truth = parts.truth;
    this.random = parts.random;
    this.skewMs = parts.skewMs;
  }

  /** How many streams there are. */
  get watches(): number {
    return this.#watches.size;
  }

  async readSecret(request: ReadRequest): Promise<ReadAnswer> {
    return await this.#call(() => this.#read(request));
  }

  async batchReadSecrets({ reads }: BatchReadRequest): Promise<BatchReadResult[]> {
    return await this.#call(() => reads.map((request) => this.#result(request)));
  }

  watchSecrets(): SimulatedWatch {
    const watch = new SimulatedWatch(this, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    return watch;
  }

  /** Puts the network into another state; streams that were held up come through late, or break. */
  become(network: Network): void {
    const isBroken = network === "cut" || (this.network === "silent" && this.random() < 0.5);
    this.network = network;
    for (const watch of [...this.#watches]) {
      if (isBroken) watch.break(unavailable());
      else if (network === "up") watch.flush();
    }
  }

  /** How long a message is on its way. */
  latencyMs(): number {
    return 1 + this.random() * 50;
  }

  async #call<T>(answer: () => T): Promise<T> {
    this.calls += 1;
    await this.#travel();
    const answered = answer();
    await this.#travel();
    return answered;
  }

  async #travel(): Promise<void> {
    await this.clock.sleep(this.latencyMs());
    if (this.network === "cut") throw unavailable();
    if (this.network === "up") return;
    await this.clock.sleep(5_000);
    throw new SecretError("MANAGER_TIMEOUT", "no answer in time");
  }

  #result(request: ReadRequest): BatchReadResult {
    const { name } = request;
    try {
      return { ok: true, name, answer: this.#read(request) };
    } catch (error) {
      if (!isSecretError(error)) throw error;
      return { ok: false, name, error };
    }
  }

  /** From its own cache as far as it may be; whoever does not say how far is given what is half an hour old. */
  #read({ name, knownVersion, maxStalenessMs = 1_800_000 }: ReadRequest): ReadAnswer {
    if (!this.isManagerUp) throw unavailable();
    const ageMs = this.random() < 0.3 ? this.random() * Math.min(maxStalenessMs, this.clock.now() - 1_000) : 0;
    const secret = this.#readable(name, this.clock.now() - ageMs);
    if (secret === undefined) throw SecretError.notFound(name);
    const origin = { servedFrom: ageMs > 0 ? "cache" : "manager", ageMs: ageMs > 0 ? ageMs : undefined } as const;
    const { version, uid } = secret;
    if (version === knownVersion) return { notModified: true, version, uid, ...origin };
    return { notModified: false, secret: sent(secret), ...origin };
  }

  /** What a secret was at some time, unless that has expired. */
  #readable(name: string, timeMs: number): State {
    const secret = this.truth.at(name, timeMs);
    return (secret?.expireTime?.getTime() ?? Infinity) <= this.clock.wallMs() ? undefined : secret;
  }
}

/** What whoever cannot be reached fails with. */
export function unavailable(): SecretError {
  return new SecretError("MANAGER_UNAVAILABLE", "not there");
}
