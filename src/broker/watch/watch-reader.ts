import type { Secret } from "../../domain/secret.js";
import { secretNameProblem, type SecretName } from "../../domain/secret-name.js";
import { Call } from "../call.js";
import type { Access, Enforcement } from "../enforcement.js";
import type { GuardedManager } from "../guarded-manager.js";
import { whileLive } from "../guarded-call.js";
import type { HeldSecrets } from "./held-secrets.js";
import { readOrNothing } from "./read-or-nothing.js";
import type { WatchSettings } from "./watch-settings.js";

/** What a watcher reads with. */
export interface WatchReaderParts {
  readonly manager: GuardedManager;
  readonly enforcement: Enforcement;
  readonly settings: () => WatchSettings;
}

/** How many names are read together. */
const partSize = 100;

/** Reads for one watcher, under its rights: each secret that is sent is decided and recorded as a call's would be. */
export class WatchReader {
  readonly #call: Call;
  readonly #parts: WatchReaderParts;
  readonly #underWay = new Set<Call>();

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

  /** The active version; undefined when there is none. It is on record before it is returned. */
  async read(name: SecretName, held: HeldSecrets): Promise<Secret | undefined> {
    const { manager, enforcement } = this.#parts;
    return await this.under(async (call) =>
      enforcement.perform(
        [call, { action: "watch", names: [name], isChange: false }],
        () => readOrNothing(manager.read(call, { name, maxStalenessMs: 0 })),
        (secret) => {
          if (secret === undefined) return { outcome: "not_found" };
          const { version, uid } = secret;
          return held.isHeld(secret) ? { outcome: "not_modified", version, uid } : { version, uid, released: secret };
        },
      ),
    );
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
    for (const call of this.#underWay) call.cancel();
  }

  /** Waits for something under a deadline of its own, as the watch has none; gives up when the watch ends. */
  async under<T>(work: (call: Call) => Promise<T>): Promise<T> {
    const { caller, requestId } = this.#call;
    const call = new Call({ caller, requestId, deadlineMs: Date.now() + this.#parts.settings().readTimeoutMs });
    this.#underWay.add(call);
    try {
      return await whileLive(work(call), call.signal);
    } finally {
      this.#underWay.delete(call);
      call.end();
    }
  }

  async #record(access: Access): Promise<void> {
    const nothing = (): Promise<void> => Promise.resolve();
    await this.#parts.enforcement.perform([this.#call, access], nothing, () => ({}));
  }
}

/** What is watched. */
export interface WatchedNames {
  readonly names: readonly SecretName[];
  readonly prefixes: readonly string[];
}
