import type { ManagerCall } from "../../contract/manager-call.js";
import type { SecretManager, Supports, WatchEvent } from "../../contract/secret-manager.js";
import { changingMembers } from "./changing-members.js";
import { readingMembers } from "./reading-members.js";
import { SnapshotReads, type SnapshotOptions } from "./snapshot-reads.js";
import { UpstreamChanges } from "./upstream-changes.js";
import { UpstreamLink, type UpstreamLinkOptions } from "./upstream-link.js";

/** How another broker is made the manager. */
export interface UpstreamOptions extends UpstreamLinkOptions {
  /** What outlasts an outage and a restart; nothing does unless given. */
  readonly snapshot?: SnapshotOptions | undefined;
}

type Member<K extends keyof SecretManager> = Required<SecretManager>[K];

/**
 * Another broker, or several that serve the same secrets, as the manager of this one.
 *
 * It has every member, as what the central broker's own manager can is known only once it is asked: what it cannot is
 * `CAPABILITY_UNSUPPORTED` then. Answers hang on who this broker is there and not on its callers, so they may be shared.
 */
export class UpstreamSecretManager implements SecretManager {
  readonly managerName = "upstream";
  readonly supports: Supports = {
    preconditions: true,
    idempotency: true,
    expiry: true,
    gracePeriod: true,
    sharedReads: true,
  };
  readonly readSecret: Member<"readSecret">;
  readonly readSecretVersion: Member<"readSecretVersion">;
  readonly batchReadSecrets: Member<"batchReadSecrets">;
  readonly listSecrets: Member<"listSecrets">;
  readonly describeSecret: Member<"describeSecret">;
  readonly writeSecret: Member<"writeSecret">;
  readonly deleteSecret: Member<"deleteSecret">;
  readonly rotateSecret: Member<"rotateSecret">;
  readonly activateSecretVersion: Member<"activateSecretVersion">;
  readonly restoreSecret: Member<"restoreSecret">;
  readonly destroySecret: Member<"destroySecret">;
  readonly #link: UpstreamLink;
  readonly #snapshot: SnapshotReads | undefined;
  readonly #changes: UpstreamChanges;

  /** @throws SecretError `FIELD_INVALID` */
  constructor(options: UpstreamOptions) {
    this.#link = new UpstreamLink(options);
    const reading = readingMembers(this.#link);
    const snapshot = options.snapshot && new SnapshotReads(reading.readSecret, options.snapshot);
    this.#snapshot = snapshot;
    this.#changes = new UpstreamChanges(this.#link, snapshot);
    this.readSecret = snapshot ? async (name, call) => await snapshot.read(name, call) : reading.readSecret;
    this.readSecretVersion = reading.readSecretVersion;
    this.batchReadSecrets = reading.batchReadSecrets;
    this.listSecrets = reading.listSecrets;
    this.describeSecret = reading.describeSecret;
    const changing = changingMembers(this.#link, (name) => snapshot?.forget(name));
    this.writeSecret = changing.writeSecret;
    this.deleteSecret = changing.deleteSecret;
    this.rotateSecret = changing.rotateSecret;
    this.activateSecretVersion = changing.activateSecretVersion;
    this.restoreSecret = changing.restoreSecret;
    this.destroySecret = changing.destroySecret;
  }

  /** Tells of the changes the central broker tells of, and how current it is. */
  watchSecrets(afterRevision: bigint | undefined, call: ManagerCall): AsyncGenerator<WatchEvent, void, undefined> {
    return this.#changes.follow(afterRevision, call);
  }

  /** Drops what is kept of a secret, in memory and on disk. @throws what the snapshot's keeper fails with */
  async forgetSecret(name: string): Promise<void> {
    await this.#snapshot?.erase(name);
  }

  /** Whether the token's and TLS's files can be read; the central broker need not be there. */
  async validateEnvironment(): Promise<void> {
    await this.#link.readFiles();
    await this.#snapshot?.load();
  }

  /** Whether a central broker is there that serves. */
  async checkHealth(call: ManagerCall): Promise<boolean> {
    return await this.#link.isServing(call);
  }

  /** Saves what is kept, and ends the connections. Idempotent. */
  async close(): Promise<void> {
    this.#link.close();
    await this.#snapshot?.close();
  }
}
