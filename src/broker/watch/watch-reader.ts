import type { Secret } from "../../domain/secret.js";
import { SecretError } from "../../domain/secret-error.js";
import { secretNameProblem, type SecretName } from "../../domain/secret-name.js";
import { Call } from "../call.js";
import type { Access, Enforcement, Outcome } from "../enforcement.js";
import type { GuardedManager } from "../guarded-manager.js";
import { whileLive } from "../guarded-call.js";
import type { HeldSecrets } from "./held-secrets.js";
import type { SharedReads } from "./shared-reads.js";
import type { WatchSettings } from "./watch-settings.js";

/** What a watcher reads with. */
export interface WatchReaderParts {
  readonly manager: GuardedManager;
  readonly enforcement: Enforcement;
  readonly reads: SharedReads;
  readonly settings: () => WatchSettings;
}

/** What a read found; its record says the same. */
export type WatchedState =
  | { readonly kind: "absent" }
  /** The watcher has it already. */
  | { readonly kind: "held"; readonly secret: Secret }
  /** The record has the payload, which may be sent. */
  | { readonly kind: "released"; readonly secret: Secret };

/** How many names are read together. */
const partSize = 100;

/** Reads for one watcher, under its rights: each secret that is sent is decided and recorded as a call's would be. */
export class WatchReader {
  readonly #call: Call;
  readonly #parts: WatchReaderParts;
  /** Give up what is under way; undefined while nothing is. */
  #cancellations: Set<() => void> | undefined;

  constructor(call: Call, parts: WatchReaderParts) {
    this.#call = call;
    this.#parts = parts;
  }

  /** Whether the watcher may see a name. */
  mayWatch(name: SecretName): boolean {
    return this.#parts.enforcement.mayAlso(this.#call, "watch", { name });
  }

  /**
   * Records that something is watched.
   * @throws SecretError `POLICY_DENIED` and its like for a name; `CAPABILITY_UNSUPPORTED` for prefixes where nothing can
   * be listed
   */
  async enter({ names, prefixes }: WatchedNames): Promise<void> {
    const denied = names.find((name) => !this.mayWatch(name));
    if (denied !== undefined) await this.#record({ action: "watch", names: [denied], isChange: false });
    if (prefixes.length === 0) return;
    this.#parts.manager.assertSupports("list");
    await this.#record({ action: "watch", names: [], isChange: false });
  }

  /** What there is of a secret. It is on record before it is returned. */
  async read(name: SecretName, held: HeldSecrets): Promise<WatchedState> {
    const { enforcement } = this.#parts;
    const call = this.#ownCall();
    try {
      return await enforcement.perform(
        [call, { action: "watch", names: [name], isChange: false }],
        () => this.#look(call, name, held),
        outcomeOf,
      );
    } finally {
      call.end();
    }
  }

  /** Tells here, once and for all, whether the watcher has it: it may forget that while the record is written. */
  async #look(call: Call, name: SecretName, held: HeldSecrets): Promise<WatchedState> {
    const secret = await this.#unlessCancelled(call, this.#parts.reads.read(call, name));
    if (secret === undefined) return { kind: "absent" };
    return { kind: held.isHeld(secret) ? "held" : "released", secret };
  }

  /** Every name that is subscribed or exists under a prefix that is; some of them may come twice. */
  async *namesOf({ names, prefixes }: WatchedNames): AsyncGenerator<readonly SecretName[]> {
    for (let start = 0; start < names.length; start += partSize) yield names.slice(start, start + partSize);
    for (const prefix of prefixes) {
      let pageToken: string | undefined;
      do {
        const query = { prefix, tags: {}, showDeleted: false, pageSize: partSize, pageToken };
        const page = await this.under((call) => this.#parts.manager.list(call, query, undefined));
        // A name that breaks the rules could not be asked for.
        const listed = page.secrets.filter(({ name }) => secretNameProblem(name) === undefined);
        yield listed.map(({ name }) => name as SecretName).filter((name) => this.mayWatch(name));
        pageToken = page.nextPageToken;
      } while (pageToken !== undefined);
    }
  }

  /** Gives up on what is under way. */
  cancel(): void {
    for (const cancel of this.#cancellations ?? []) cancel();
  }

  /** Waits for something under a deadline of its own, as the watch has none; gives up when the watch ends. */
  async under<T>(work: (call: Call) => Promise<T>): Promise<T> {
    const call = this.#ownCall();
    try {
      return await this.#unlessCancelled(call, whileLive(work(call), call.signal));
    } finally {
      call.end();
    }
  }

  #ownCall(): Call {
    const { caller, requestId } = this.#call;
    return new Call({ caller, requestId, deadlineMs: Date.now() + this.#parts.settings().readTimeoutMs });
  }

  /** Without the call's signal, which costs more than all the rest of a read. */
  #unlessCancelled<T>(call: Call, work: Promise<T>): Promise<T> {
    const cancellations = (this.#cancellations ??= new Set<() => void>());
    return new Promise<T>((resolve, reject) => {
      const cancel = (): void => {
        call.cancel();
        reject(cancelled());
      };
      cancellations.add(cancel);
      work.then(resolve, reject).finally(() => {
        cancellations.delete(cancel);
        if (cancellations.size === 0) this.#cancellations = undefined;
      });
    });
  }

  async #record(access: Access): Promise<void> {
    const nothing = (): Promise<void> => Promise.resolve();
    await this.#parts.enforcement.perform([this.#call, access], nothing, () => ({}));
  }
}

function outcomeOf(state: WatchedState): Outcome {
  if (state.kind === "absent") return { outcome: "not_found" };
  const { version, uid } = state.secret;
  return state.kind === "held" ? { outcome: "not_modified", version, uid } : { version, uid, released: state.secret };
}

function cancelled(): SecretError {
  return new SecretError("CALL_CANCELLED", "the watch has ended");
}

/** What is watched. */
export interface WatchedNames {
  readonly names: readonly SecretName[];
  readonly prefixes: readonly string[];
}
