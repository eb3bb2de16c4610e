import { WatchedTime } from "../../client/store/watched-time.js";
import type { SecretWatch } from "../../client/watch/secret-watch.js";
import type { WatchEvent as ClientEvent } from "../../client/watch/watch-events.js";
import type { ManagerCall } from "../../contract/manager-call.js";
import type { WatchEvent } from "../../contract/secret-manager.js";
import type { Secret } from "../../domain/secret.js";
import { SecretError } from "../../domain/secret-error.js";
import type { SnapshotReads } from "./snapshot-reads.js";
import type { UpstreamLink } from "./upstream-link.js";

/** One stream of a central broker's. */
interface Stream {
  readonly watch: SecretWatch;
  /** Whether what is there already is asked for. */
  readonly wantsPast: boolean;
  readonly time: WatchedTime;
  /** When everything that had changed by then had been told, by the monotonic clock. */
  currentAtMs: number;
  /** What was there when it began, to be acknowledged once that is complete: name → version. */
  readonly initial: Map<string, number | undefined>;
}

/**
 * What a central broker tells of everything this one may watch there, in the contract's words. The payloads that come
 * with it are dropped: whoever reads afterwards is decided on and recorded as for any other read.
 *
 * No revisions are kept. What this broker may see there changes without one, so after a break what is there is asked for
 * as a whole, and what it was told of before and is not there any more is told to be removed.
 */
export class UpstreamChanges {
  readonly #link: UpstreamLink;
  readonly #snapshot: SnapshotReads | undefined;
  #present = new Set<string>();

  constructor(link: UpstreamLink, snapshot: SnapshotReads | undefined) {
    this.#link = link;
    this.#snapshot = snapshot;
  }

  /** @throws SecretError `REVISION_COMPACTED` for any revision but 0, and what the link fails with */
  async *follow(afterRevision: bigint | undefined, call: ManagerCall): AsyncGenerator<WatchEvent, void, undefined> {
    if (afterRevision !== undefined && afterRevision > 0n) {
      throw new SecretError("REVISION_COMPACTED", "an upstream broker is watched anew, and from no revision");
    }
    const saidAtMs = performance.now();
    const watch = this.#link.watch(call);
    watch.subscribe({ prefixes: [""] });
    const stream: Stream = {
      ...{ watch, wantsPast: afterRevision !== undefined, time: new WatchedTime(saidAtMs) },
      ...{ currentAtMs: saidAtMs, initial: new Map() },
    };
    try {
      for await (const event of watch) {
        this.#forgetOutdated(event);
        yield* this.#eventsOf(stream, event);
        // Whoever was told has dropped what it had when it asks for the next.
        this.#acknowledge(stream, event);
      }
    } catch (thrown) {
      if (!call.signal.aborted) throw this.#link.failureOf(thrown);
    }
  }

  #forgetOutdated(event: ClientEvent): void {
    if (event.kind === "removal") this.#snapshot?.forget(event.name);
    else if (event.kind === "change") this.#snapshot?.forget(event.secret.name);
    else if (event.kind === "initial") for (const secret of event.secrets) this.#snapshot?.forgetUnless(secret);
  }

  #eventsOf(stream: Stream, event: ClientEvent): readonly WatchEvent[] {
    switch (event.kind) {
      case "initial":
        for (const { name, version } of event.secrets) stream.initial.set(name, version);
        return stream.wantsPast ? event.secrets.map(changed) : [];
      case "change":
        this.#present.add(event.secret.name);
        return [changed(event.secret)];
      case "removal":
        this.#present.delete(event.name);
        return [removed(event.name)];
      case "synced":
        return [...this.#endInitial(stream), current(stream), synced(event.pollIntervalMs)];
      case "heartbeat":
        return noteHeartbeat(stream, event.currentTime) ? [current(stream)] : [];
    }
  }

  /** What is gone since the stream before this one. */
  #endInitial({ initial }: Stream): readonly WatchEvent[] {
    const gone = [...this.#present].filter((name) => !initial.has(name));
    this.#present = new Set(initial.keys());
    for (const name of gone) this.#snapshot?.forget(name);
    return gone.map(removed);
  }

  /** Says what this broker goes by from now on, and that it keeps nothing of what was taken from it. */
  #acknowledge({ watch, initial }: Stream, event: ClientEvent): void {
    if (event.kind === "removal") void this.#acknowledgeRemoval(watch, event.name);
    else if (event.kind === "change") acknowledgeVersion(watch, event.secret.name, event.secret.version);
    else if (event.kind === "synced") {
      for (const [name, version] of initial) acknowledgeVersion(watch, name, version);
      initial.clear();
    }
  }

  async #acknowledgeRemoval(watch: SecretWatch, name: string): Promise<void> {
    try {
      await this.#snapshot?.erase(name);
    } catch {
      // Its owner was told; it is on the disk still, so nothing is said.
      return;
    }
    watch.ack(name, 0);
  }
}

function acknowledgeVersion(watch: SecretWatch, name: string, version: number | undefined): void {
  if (version !== undefined) watch.ack(name, version);
}

/** Whether more is known to be current than before. */
function noteHeartbeat(stream: Stream, currentTime: Date | undefined): boolean {
  const knownAtMs = currentTime && stream.time.read(currentTime.getTime(), performance.now());
  if (knownAtMs === undefined || knownAtMs <= stream.currentAtMs) return false;
  stream.currentAtMs = knownAtMs;
  return true;
}

function changed({ name }: Pick<Secret, "name">): WatchEvent {
  return { kind: "changed", secret: { name }, revision: 0n };
}

function removed(name: string): WatchEvent {
  return { kind: "removed", secret: { name }, revision: 0n };
}

function synced(pollIntervalMs: number | undefined): WatchEvent {
  return { kind: "synced", revision: 0n, pollIntervalMs };
}

function current({ currentAtMs }: Stream): WatchEvent {
  const ageMs = performance.now() - currentAtMs;
  return { kind: "current", asOf: new Date(Date.now() - ageMs), revision: 0n };
}
