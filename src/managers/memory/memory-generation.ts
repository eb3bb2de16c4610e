import { randomUUID } from "node:crypto";
import type { DescribeReply, WriteReply } from "../../contract/secret-manager.js";
import type { Payload } from "../../domain/payload.js";
import type { SecretDescription, Tags } from "../../domain/secret.js";
import { dateOf, MemoryVersion } from "./memory-version.js";

/** What one change does to a secret. */
export interface MemoryChange {
  /** Bytes are copied in. */
  readonly value: Payload;
  /** Kept as it was when undefined. */
  readonly description?: string | undefined;
  /** Kept as they were when undefined. */
  readonly tags?: Tags | undefined;
  readonly expireTime?: Date | undefined;
  /** Whether the version becomes the active one; true when undefined. */
  readonly activate?: boolean | undefined;
  /** Who changes it. */
  readonly principal: string | undefined;
}

/** The rules all generations of a manager share. */
export interface MemoryRules {
  /** The time in milliseconds since the epoch. */
  readonly now: () => number;
  /** How many versions a secret keeps; the oldest that is not active makes room. */
  readonly maxVersionsPerSecret: number;
}

/** One life of a name in memory: its versions, and what they have in common. */
export class MemoryGeneration {
  readonly uid: string = randomUUID();
  readonly #rules: MemoryRules;
  readonly #createTimeMs: number;
  // version number → version, oldest first
  readonly #versions = new Map<number, MemoryVersion>();
  #active: MemoryVersion | undefined;
  #lastVersion = 0;
  #updateTimeMs: number;
  #description: string | undefined;
  #tags: Tags | undefined;
  #changedBy: string | undefined;

  constructor(rules: MemoryRules) {
    this.#rules = rules;
    this.#createTimeMs = rules.now();
    this.#updateTimeMs = this.#createTimeMs;
  }

  /** The version a plain read answers with; undefined until one is activated. */
  get active(): MemoryVersion | undefined {
    return this.#active;
  }

  get description(): string | undefined {
    return this.#description;
  }

  /** Frozen. */
  get tags(): Tags | undefined {
    return this.#tags;
  }

  /** A version that is kept, expired or not. */
  version(version: number): MemoryVersion | undefined {
    return this.#versions.get(version);
  }

  /** Adds a version. */
  add(change: MemoryChange): WriteReply {
    const nowMs = this.#rules.now();
    this.#relabel(change);
    this.#lastVersion += 1;
    const { value, expireTime } = change;
    const added = new MemoryVersion(
      {
        version: this.#lastVersion,
        value: typeof value === "string" ? value : new Uint8Array(value),
        createTimeMs: nowMs,
        expireTimeMs: expireTime?.getTime(),
      },
      this,
    );
    this.#versions.set(added.version, added);
    if (change.activate !== false) this.#active = added;
    this.#touch(change.principal);
    this.#dropOldest();
    return added.describe(this.uid, added === this.#active);
  }

  /** Makes a version of this generation the active one. */
  activate(version: MemoryVersion, principal: string | undefined): void {
    this.#active = version;
    this.#touch(principal);
  }

  /** Tells about the secret without a payload. */
  describe(name: string): SecretDescription {
    return {
      name,
      uid: this.uid,
      activeVersion: this.#active?.version,
      createTime: new Date(this.#createTimeMs),
      updateTime: new Date(this.#updateTimeMs),
      expireTime: dateOf(this.#active?.expireTimeMs),
      description: this.#description,
      tags: this.#tags,
      changedBy: this.#changedBy,
    };
  }

  /** Tells about the secret and its versions, oldest first. */
  describeWithVersions(name: string): DescribeReply {
    const versions = [...this.#versions.values()].map((version) =>
      version.describe(this.uid, version === this.#active),
    );
    return { ...this.describe(name), versions };
  }

  /** Overwrites all binary bytes with zeroes; the generation must not be used afterwards. */
  zero(): void {
    for (const version of this.#versions.values()) version.zero();
  }

  #relabel({ description, tags }: MemoryChange): void {
    if (description === undefined && tags === undefined) return;
    this.#description = description ?? this.#description;
    this.#tags = tags === undefined ? this.#tags : Object.freeze({ ...tags });
    for (const version of this.#versions.values()) version.relabel();
  }

  #touch(principal: string | undefined): void {
    this.#updateTimeMs = this.#rules.now();
    this.#changedBy = principal;
  }

  #dropOldest(): void {
    if (this.#versions.size <= this.#rules.maxVersionsPerSecret) return;
    for (const version of this.#versions.values()) {
      if (version === this.#active) continue;
      version.zero();
      this.#versions.delete(version.version);
      return;
    }
  }
}
