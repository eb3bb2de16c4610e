import { describe, expect, it } from "vitest";
import type { ManagerCall } from "../../src/contract/manager-call.js";
import type {
  DeleteOptions,
  DeleteReply,
  WatchEvent,
  WriteOptions,
  WriteReply,
} from "../../src/contract/secret-manager.js";
import type { Payload } from "../../src/domain/payload.js";
import { SecretError } from "../../src/domain/secret-error.js";
import { MemorySecretManager } from "../../src/managers/memory/memory-secret-manager.js";
import { managerLaws } from "../../src/testkit/index.js";
import { subjects } from "../conformance/subjects.js";

/** What is wrong with a manager's watch. */
interface WatchFaults {
  readonly tellsOfWhatIsThere?: boolean;
  readonly tellsOfAbsence?: boolean;
  readonly callsRemovalsChanges?: boolean;
  readonly beginsNow?: boolean;
  readonly forgetsWhereItWas?: boolean;
  readonly knowsTheFuture?: boolean;
  readonly revisionsFall?: boolean;
  readonly endsForAll?: boolean;
}

/** Memory that tells of changes, rightly or with a fault. */
class WatchedMemory extends MemorySecretManager {
  readonly #faults: WatchFaults;
  readonly #log: WatchEvent[] = [];
  readonly #live = new Set<string>();
  readonly #wakes = new Set<() => void>();
  #isEnded = false;

  constructor(faults: WatchFaults = {}) {
    super();
    this.#faults = faults;
  }

  // eslint-disable-next-line max-params -- the contract's
  override writeSecret(name: string, value: Payload, options: WriteOptions, call: ManagerCall): WriteReply {
    const reply = super.writeSecret(name, value, options, call);
    this.#live.add(name);
    this.#tell("changed", name);
    return reply;
  }

  override deleteSecret(name: string, options: DeleteOptions, call: ManagerCall): DeleteReply {
    const reply = super.deleteSecret(name, options, call);
    if (reply.status === "not_found" && !this.#faults.tellsOfAbsence) return reply;
    this.#live.delete(name);
    this.#tell(this.#faults.callsRemovalsChanges ? "changed" : "removed", name);
    return reply;
  }

  async *watchSecrets(after: bigint | undefined, { signal }: ManagerCall): AsyncGenerator<WatchEvent> {
    yield* this.#existing(after);
    try {
      yield* this.#follow(this.#beginning(after), signal);
    } finally {
      if (this.#faults.endsForAll) this.#end();
    }
  }

  async *#follow(after: number, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    let told = after;
    for (let isFirst = true; !signal.aborted && !this.#isEnded; isFirst = false) {
      const events = this.#log.slice(told);
      yield* events;
      told += events.length;
      if (isFirst) yield { kind: "synced", revision: BigInt(told) };
      if (told === this.#log.length) await this.#next(signal);
    }
  }

  *#existing(after: bigint | undefined): Generator<WatchEvent> {
    const { tellsOfWhatIsThere, beginsNow } = this.#faults;
    const isAsked = tellsOfWhatIsThere ? after === undefined : after === 0n && !beginsNow;
    if (!isAsked) return;
    for (const name of this.#live) yield { kind: "changed", secret: { name }, revision: BigInt(this.#log.length) };
  }

  #beginning(after: bigint | undefined): number {
    const latest = this.#log.length;
    if (after === undefined || after === 0n || this.#faults.forgetsWhereItWas) return latest;
    if (after <= BigInt(latest) || this.#faults.knowsTheFuture) return Math.min(Number(after), latest);
    throw new SecretError("REVISION_COMPACTED", "not yet");
  }

  #tell(kind: "changed" | "removed", name: string): void {
    const next = BigInt(this.#log.length + 1);
    const revision = this.#faults.revisionsFall ? 1_000n - next : next;
    this.#log.push({ kind, secret: { name }, revision });
    for (const wake of this.#wakes) wake();
  }

  #end(): void {
    this.#isEnded = true;
    for (const wake of this.#wakes) wake();
  }

  async #next(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wakes.add(resolve);
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => {
      resolve();
    });
    await promise;
    this.#wakes.delete(resolve);
  }
}

async function brokenWatchLaws(faults: WatchFaults): Promise<readonly string[]> {
  const capabilities = [...subjects.memory.capabilities, "watch" as const];
  const open = (): WatchedMemory => new WatchedMemory(faults);
  const broken: string[] = [];
  for (const { name, run } of managerLaws({ ...subjects.memory, capabilities, open })) {
    if (/watch|tells|goes on|begins with|says that/u.test(name)) await run().catch(() => broken.push(name));
  }
  return broken;
}

describe("the laws of a watch", () => {
  it("hold for a manager that keeps them", async () => {
    expect(await brokenWatchLaws({})).toEqual([]);
  });

  it.each<[WatchFaults, string]>([
    [{ tellsOfWhatIsThere: true }, "tells of nothing that is there already when it is watched from now on"],
    [{ tellsOfAbsence: true }, "tells of every write and deletion, and of nothing else"],
    [{ callsRemovalsChanges: true }, "tells after a change what has become of the secret"],
    [{ beginsNow: true }, "begins with everything that is there"],
    [{ forgetsWhereItWas: true }, "goes on where another watch ended"],
    [{ knowsTheFuture: true }, "says that it does not know what came after"],
    [{ revisionsFall: true }, "tells of revisions that never fall"],
    [{ endsForAll: true }, "ends a watch when its caller goes away, and goes on with the others"],
  ])("catch a watch with %j", async (faults, law) => {
    expect((await brokenWatchLaws(faults)).join("\n")).toContain(law);
  });
});
