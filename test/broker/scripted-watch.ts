import { expect, onTestFinished } from "vitest";
import type { OpenWatch } from "../../src/broker/watch/secret-watches.js";
import type { Subscription, WatchMessage } from "../../src/broker/watch/watch-messages.js";
import { Call } from "../../src/broker/call.js";
import type { ManagerCall } from "../../src/contract/manager-call.js";
import type { ReadReply, SecretManager, WatchEvent } from "../../src/contract/secret-manager.js";
import type { SecretName } from "../../src/domain/secret-name.js";
import { isSecretError, type SecretError } from "../../src/domain/secret-error.js";
import { type KeptRecords, nameOf, openBroker, type OpenBrokerOptions } from "./open-broker.js";

/** The name that most watch. */
export const A: SecretName = nameOf("A");

/** A manager that tells what the test says, and fails when the test says so. */
export class ScriptedManager implements SecretManager {
  readonly managerName: string = "scripted";
  readonly values: Map<string, ReadReply> = new Map<string, ReadReply>();
  /** Where each watch was asked to begin. */
  readonly begun: (bigint | undefined)[] = [];
  /** Thrown by reads while it is set. */
  readFailure: unknown;
  /** Names that cannot be read. */
  readonly failing: Set<string> = new Set<string>();
  /** What was read, in order. */
  readonly reads: string[] = [];
  #tell: ((event: unknown) => void) | undefined;
  #break: ((thrown: unknown) => void) | undefined;

  readSecret(name: string): ReadReply | undefined {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- whatever a test wants to see thrown
    if (this.readFailure !== undefined) throw this.readFailure;
    if (this.failing.has(name)) throw new Error("down");
    this.reads.push(name);
    return this.values.get(name);
  }

  async *watchSecrets(after: bigint | undefined, { signal }: ManagerCall): AsyncGenerator<WatchEvent> {
    this.begun.push(after);
    const events: unknown[] = [];
    let wake: (() => void) | undefined;
    let failure: { readonly thrown: unknown } | undefined;
    this.#tell = (event) => {
      events.push(event);
      wake?.();
    };
    this.#break = (thrown) => {
      failure = { thrown };
      wake?.();
    };
    signal.addEventListener("abort", () => wake?.());
    while (!signal.aborted) {
      for (const event of events.splice(0)) yield event as WatchEvent;
      if (failure !== undefined) throw failure.thrown;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (events.length > 0 || failure !== undefined || signal.aborted) resolve();
      });
    }
  }

  put(name: string, value: string, version: number): void {
    this.values.set(name, { value, version });
  }

  tell(...events: readonly unknown[]): void {
    for (const event of events) this.#tell?.(event);
  }

  break(thrown: unknown): void {
    this.#break?.(thrown);
  }
}

/** All up to a revision was told. */
export const synced = (revision: bigint): WatchEvent => ({ kind: "synced", revision });
/** A secret has changed. */
export const changed = (name: string, revision: bigint): WatchEvent => ({
  kind: "changed",
  secret: { name },
  revision,
});

/** A watcher, and the manager behind its broker. */
export interface Running extends OpenWatch {
  readonly manager: ScriptedManager;
  readonly messages: WatchMessage[];
  readonly lines: readonly string[];
  readonly sink: KeptRecords;
  readonly ended: Promise<SecretError>;
  subscribe(subscription: Partial<Subscription>): Promise<void>;
  /** Lets the next message wait on its way, as a watcher does that reads no further. Returns its end. */
  hold(): () => void;
}

/** Begins a watch, which ends with the test. */
export function watch(manager: ScriptedManager, options: OpenBrokerOptions = {}): Running {
  const { broker, watches, lines, sink } = openBroker(manager, options);
  const messages: WatchMessage[] = [];
  const caller = { principal: "watcher", groups: [], provenBy: "none", peer: "unix" } as const;
  const call = new Call({ caller, requestId: "w", deadlineMs: Infinity });
  let held = Promise.resolve();
  const open = broker.watchSecrets(call, (message) => {
    messages.push(message);
    return held;
  });
  const ended = open.run().catch((error: unknown) => {
    if (isSecretError(error)) return error;
    throw error;
  });
  onTestFinished(async () => {
    watches.close();
    await ended;
  });
  const nothing: Subscription = { names: [], prefixes: [], known: new Map(), resumeRevision: 0n };
  const subscribe = (subscription: Partial<Subscription>): Promise<void> =>
    open.watch.subscribe({ ...nothing, ...subscription });
  const hold = (): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    held = promise;
    return resolve;
  };
  return { ...open, manager, messages, lines, sink, ended, subscribe, hold };
}

/** A watch of A at version 1 and revision 5. */
export async function watchingA(options: OpenBrokerOptions = {}): Promise<Running> {
  const manager = new ScriptedManager();
  manager.put("A", "a1", 1);
  const running = watch(manager, options);
  await expect.poll(() => manager.begun.length).toBe(1);
  manager.tell(synced(5n));
  await running.subscribe({ names: [A] });
  return running;
}
