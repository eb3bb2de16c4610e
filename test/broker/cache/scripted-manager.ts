import type { CacheClock } from "../../../src/broker/cache/cache-clock.js";
import type { CacheSettings } from "../../../src/broker/cache/cache-settings.js";
import type { ReadRequest, ReadResult } from "../../../src/broker/read-secret.js";
import type { Call } from "../../../src/broker/call.js";
import type { ManagerCall } from "../../../src/contract/manager-call.js";
import type { ReadReply, SecretManager, Supports } from "../../../src/contract/secret-manager.js";
import { SecretError } from "../../../src/domain/secret-error.js";
import { cacheOff, liveCall, nameOf, openBroker, type OpenBrokerOptions, type OpenedBroker } from "../open-broker.js";

/** A clock that stands still until it is moved. */
export class CacheTime implements CacheClock {
  #nowMs = 1_000_000;
  readonly nowMs = (): number => this.#nowMs;
  readonly wallMs = (): number => Date.UTC(2030, 0, 1) + this.#nowMs;
  advance(byMs: number): void {
    this.#nowMs += byMs;
  }
}

/** What it was asked. */
interface Asked {
  readonly name: string;
  readonly version: number | undefined;
  readonly call: ManagerCall;
}

/** A manager that answers, fails or hangs as the test says. */
export class ScriptedManager implements SecretManager {
  readonly managerName: string = "scripted";
  readonly values: Map<string, ReadReply> = new Map<string, ReadReply>();
  readonly calls: Asked[] = [];
  supports: Supports = { sharedReads: true };
  /** Thrown instead of an answer. */
  failure: unknown;
  /** Whether answers wait until they are released. */
  isHolding = false;
  #held: (() => void)[] = [];

  readSecret(name: string, call: ManagerCall): ReadReply | undefined | Promise<ReadReply | undefined> {
    return this.#answer({ name, version: undefined, call }, () => this.values.get(name));
  }

  readSecretVersion(name: string, version: number, call: ManagerCall): Promise<ReadReply | undefined> {
    const find = (): ReadReply | undefined => {
      const value = this.values.get(name);
      return value?.version === version ? value : undefined;
    };
    return Promise.resolve(this.#answer({ name, version, call }, find));
  }

  writeSecret(name: string, value: string | Uint8Array): { version: number } {
    const version = (this.values.get(name)?.version ?? 0) + 1;
    this.values.set(name, { value, version });
    return { version };
  }

  deleteSecret(name: string): boolean {
    return this.values.delete(name);
  }

  /** Lets what waits go on. */
  release(): void {
    this.isHolding = false;
    for (const go of this.#held.splice(0)) go();
  }

  #answer(asked: Asked, find: () => ReadReply | undefined): ReadReply | undefined | Promise<ReadReply | undefined> {
    this.calls.push(asked);
    const { failure } = this;
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- whatever a test wants to see thrown
    if (failure !== undefined) throw failure;
    if (!this.isHolding) return find();
    // What it is now, told later.
    const found = find();
    return new Promise((resolve) => {
      this.#held.push(() => {
        resolve(found);
      });
    });
  }
}

/** A broker over a scripted manager whose cache goes by the test's clock. */
export interface CachedBroker extends OpenedBroker {
  readonly manager: ScriptedManager;
  readonly time: CacheTime;
  read(name: string, request?: Partial<ReadRequest>, call?: Call): Promise<ReadResult>;
}

/** What the tests' caches are like unless they say otherwise. */
export const usual: CacheSettings = { ...cacheOff, ttlMs: 10_000, maxStaleMs: 60_000 };

/** Opens one. */
export function openCached(
  cache: Partial<CacheSettings> = {},
  { settings, ...options }: OpenBrokerOptions = {},
): CachedBroker {
  const manager = new ScriptedManager();
  const time = new CacheTime();
  const opened = openBroker(manager, {
    ...options,
    settings: { ...settings, cache: { ...usual, ...cache } },
    clock: time,
  });
  const read = (name: string, request: Partial<ReadRequest> = {}, call = liveCall()): Promise<ReadResult> =>
    opened.broker.readSecret(call, { name: nameOf(name), ...request });
  return { ...opened, manager, time, read };
}

/** The manager is down. */
export function down(): SecretError {
  return new SecretError("MANAGER_UNAVAILABLE", "down");
}
