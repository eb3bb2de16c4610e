import type { Capability } from "../../src/domain/capability.js";
import { SqliteDatabase } from "../../src/managers/sqlite/sqlite-database.js";
import { openStore } from "../../src/store/open-store.js";
import type { SecretStore } from "../../src/store/secret-store.js";
import { type ClockSources, SteadyClock } from "../../src/store/steady-clock.js";
import { testCipher } from "./test-cipher.js";

/** Two clocks in a test's hand. */
export class TestClock implements ClockSources {
  #wallMs: number;
  #monotonicMs = 0;

  constructor(startMs: number) {
    this.#wallMs = startMs;
  }

  readonly wall = (): number => this.#wallMs;

  readonly monotonic = (): number => this.#monotonicMs;

  /** Time passes on both clocks. */
  pass(ms: number): void {
    this.#wallMs += ms;
    this.#monotonicMs += ms;
  }

  /** Somebody sets the wall clock. */
  step(ms: number): void {
    this.#wallMs += ms;
  }
}

export { testKeys as testStoreKeys } from "./test-cipher.js";

/** What every store can do. */
export const storeCapabilities: readonly Capability[] = [
  ...(["write", "delete", "rotate", "list", "describe", "versions", "preconditions", "idempotency"] as const),
  ...(["expiry", "grace_period", "activate", "restore", "destroy", "watch", "atomic_batch"] as const),
];

/** What a test chooses of its store. */
export interface TestStoreOptions {
  readonly clocks?: ClockSources;
  /** The first is the current one. */
  readonly keys?: readonly string[];
  readonly onNote?: (note: string) => void;
  readonly onClose?: () => void;
}

/** A store in a file, with keys of the tests. */
export async function openTestStore(path: string, options: TestStoreOptions = {}): Promise<SecretStore> {
  return await openStore(new SqliteDatabase(path), {
    managerName: "sqlite",
    openCipher: () => testCipher(options.keys),
    clock: new SteadyClock(options.clocks),
    cacheBytes: 1_000_000,
    onNote: options.onNote ?? (() => undefined),
    onClose: options.onClose,
  });
}
