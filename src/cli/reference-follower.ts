import type { SecretBrokerClient } from "../client/secret-broker-client.js";
import { SecretStore } from "../client/store/secret-store.js";
import { readReferences, type ReferenceValues } from "./read-references.js";
import type { SecretReference } from "./secret-reference.js";

/** What a follower works with. */
export interface FollowOptions {
  readonly client: SecretBrokerClient;
  readonly references: readonly SecretReference[];
  /** The values to compare with. */
  readonly values: ReferenceValues;
  /** How long one read may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Told of other values; nothing is read meanwhile, and it is told again when it fails. */
  readonly onChange: (values: ReferenceValues) => void | Promise<void>;
  /** Told once why values cannot be had or taken over any more, and with nothing when they can be again. */
  readonly onProblem: (problem: Error | undefined) => void;
  /** How often what the broker does not tell of is asked for, in milliseconds; 15,000 unless given. */
  readonly pollIntervalMs?: number;
}

/** How old what a store holds for its changes may get; it is never served, so nothing speaks against an outage. */
const maxStalenessMs = 30 * 86_400_000;
/** How many names are watched at most; a store keeps no more than declared ones beside. */
const maxWatched = 9_000;
/** The first pause after a failure, in milliseconds. */
const firstPauseMs = 1_000;

/**
 * Finds out when references have other values. The broker tells of whole secrets; fields are asked for from time to time,
 * as whoever may read a field may not always read the whole, and so are secrets that cannot be watched. Values are read anew for each change, all together.
 */
export class ReferenceFollower {
  readonly #options: FollowOptions;
  readonly #store: SecretStore;
  readonly #wholes: ReadonlySet<string>;
  readonly #hasFields: boolean;
  readonly #closing = new AbortController();
  #values: ReferenceValues;
  #timer: NodeJS.Timeout | undefined;
  #isChecking = false;
  #isDue = false;
  #failures = 0;

  constructor(options: FollowOptions) {
    const { client, references, values } = options;
    this.#options = options;
    this.#values = values;
    this.#wholes = new Set(references.filter(({ field }) => field === undefined).map(({ name }) => name));
    this.#hasFields = references.some(({ field }) => field !== undefined);
    const maxEntries = Math.min(this.#wholes.size, maxWatched);
    this.#store = new SecretStore(client, {
      maxEntries,
      maxBytes: 2 ** 40,
      maxStalenessMs,
      freshForMs: maxStalenessMs,
    });
    this.#store.onChange(({ name }) => {
      if (this.#wholes.has(name)) this.#hurry();
    });
  }

  /** Begins. */
  async start(): Promise<void> {
    await this.#store.start();
    this.#hurry();
  }

  /** Ends for good. */
  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
    this.#store.close();
  }

  /** Something has changed, or may have before it was watched. */
  #hurry(): void {
    this.#isDue = true;
    if (!this.#isChecking) void this.#run();
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isChecking = true;
    await this.#watchWholes();
    while (this.#isDue && !this.#closing.signal.aborted) {
      this.#isDue = false;
      await this.#check();
    }
    this.#isChecking = false;
    if (!this.#closing.signal.aborted) this.#schedule();
  }

  #schedule(): void {
    const { pollIntervalMs = 15_000 } = this.#options;
    const longestMs = this.#failures === 0 ? pollIntervalMs : firstPauseMs * 2 ** (this.#failures - 1);
    const delayMs = Math.min(longestMs, pollIntervalMs) * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => {
      const isToldOfAll = !this.#hasFields && [...this.#wholes].every((name) => this.#store.has(name));
      if (!isToldOfAll || this.#failures > 0) this.#isDue = true;
      void this.#run();
    }, delayMs);
  }

  /** Has the store keep what it does not yet, or not any more. */
  async #watchWholes(): Promise<void> {
    const missing = [...this.#wholes].filter((name) => !this.#store.has(name));
    const { signal } = this.#closing;
    // What fails is told by the check, which reads the same.
    await Promise.all(missing.map((name) => this.#store.read(name, { signal }).catch(() => undefined)));
  }

  async #check(): Promise<void> {
    const { client, references, timeoutMs, onChange } = this.#options;
    const { signal } = this.#closing;
    try {
      const values = await readReferences(client, references, { timeoutMs, signal });
      if (!values.equals(this.#values)) await onChange(values);
      this.#values = values;
      this.#note(undefined);
    } catch (error) {
      if (signal.aborted) return;
      this.#note(error instanceof Error ? error : new Error("something else than an error was thrown"));
    }
  }

  #note(problem: Error | undefined): void {
    const wasWell = this.#failures === 0;
    this.#failures = problem === undefined ? 0 : Math.min(this.#failures + 1, 10);
    if (wasWell !== (problem === undefined)) this.#options.onProblem(problem);
  }
}
