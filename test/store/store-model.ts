import type { Payload } from "../../src/domain/payload.js";

/** One life of a name, as simply as it can be thought of. */
interface Life {
  readonly id: number;
  readonly versions: Map<number, Payload | undefined>;
  lastVersion: number;
  active: number | undefined;
  restorableUntilMs: number | undefined;
}

const dayMs = 86_400_000;

/** What a store must do, without a database: maps, and no thought of speed or failure. */
export class StoreModel {
  readonly #live = new Map<string, Life>();
  readonly #deleted = new Map<string, Life[]>();
  #lives = 0;
  nowMs: number;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  /** The payload a read gives; "deleted" while it can be restored. */
  read(name: string): Payload | undefined {
    const life = this.#live.get(name);
    if (life !== undefined) return life.active === undefined ? undefined : life.versions.get(life.active);
    return this.#restorable(name) === undefined ? undefined : "SECRET_DELETED";
  }

  readVersion(name: string, version: number): Payload | undefined {
    const life = this.#live.get(name);
    if (life !== undefined) return life.versions.get(version);
    return this.#restorable(name) === undefined ? undefined : "SECRET_DELETED";
  }

  /** The version's number, or the reason it is refused. */
  write(
    name: string,
    value: Payload,
    { expectedVersion, activate }: { readonly expectedVersion: number | undefined; readonly activate: boolean },
  ): number | string {
    const current = this.#live.get(name);
    if (expectedVersion === 0 && current !== undefined) return "SECRET_EXISTS";
    if (expectedVersion !== undefined && expectedVersion !== (current?.active ?? 0)) return "VERSION_MISMATCH";
    const life = current ?? this.#begin(name);
    return this.#add(life, value, activate);
  }

  delete(name: string, days: number, expectedVersion: number | undefined): string {
    const life = this.#live.get(name);
    if (life === undefined) return "not_found";
    if (expectedVersion !== undefined && expectedVersion !== (life.active ?? 0)) return "VERSION_MISMATCH";
    this.#live.delete(name);
    if (days > 0) {
      life.restorableUntilMs = this.nowMs + days * dayMs;
      this.#deleted.set(name, [...(this.#deleted.get(name) ?? []), life]);
    }
    return "deleted";
  }

  restore(name: string): string {
    const found = this.#restorable(name);
    if (this.#live.has(name)) return "SECRET_EXISTS";
    if (found === undefined) return "SECRET_NOT_FOUND";
    this.#deleted.set(
      name,
      (this.#deleted.get(name) ?? []).filter((life) => life !== found),
    );
    found.restorableUntilMs = undefined;
    this.#live.set(name, found);
    return "restored";
  }

  rotate(name: string, newName: string, value: Payload): number | string {
    const life = this.#live.get(name);
    if (life === undefined) return "SECRET_NOT_FOUND";
    if (newName === name) return this.#add(life, value, true);
    if (this.#live.has(newName)) return "SECRET_EXISTS";
    const version = this.#add(this.#begin(newName), value, true);
    this.delete(name, 7, undefined);
    return version;
  }

  activate(name: string, version: number): number | string {
    const life = this.#live.get(name);
    if (life === undefined) return "SECRET_NOT_FOUND";
    if (life.versions.get(version) === undefined) return "VERSION_NOT_FOUND";
    life.active = version;
    return version;
  }

  destroyVersion(name: string, version: number): string {
    const life = this.#live.get(name);
    if (life === undefined) return "SECRET_NOT_FOUND";
    if (life.versions.get(version) === undefined) return "VERSION_NOT_FOUND";
    life.versions.set(version, undefined);
    if (life.active === version) life.active = undefined;
    return "destroyed";
  }

  /** Names in order; whoever is deleted and restorable too, once for each life. */
  list(prefix: string, showDeleted: boolean): string[] {
    const names = [...this.#live.keys()];
    if (showDeleted) {
      for (const [name, lives] of this.#deleted)
        names.push(...lives.filter((life) => this.#isOpen(life)).map(() => name));
    }
    return names.filter((name) => name.startsWith(prefix)).sort();
  }

  versions(name: string): number[] {
    return [...(this.#live.get(name)?.versions.keys() ?? [])];
  }

  #begin(name: string): Life {
    this.#lives += 1;
    const life: Life = {
      id: this.#lives,
      versions: new Map(),
      lastVersion: 0,
      active: undefined,
      restorableUntilMs: undefined,
    };
    this.#live.set(name, life);
    return life;
  }

  #add(life: Life, value: Payload, activate: boolean): number {
    life.lastVersion += 1;
    life.versions.set(life.lastVersion, value);
    if (activate) life.active = life.lastVersion;
    return life.lastVersion;
  }

  /** The life deleted last that can still be restored. */
  #restorable(name: string): Life | undefined {
    return (this.#deleted.get(name) ?? []).filter((life) => this.#isOpen(life)).at(-1);
  }

  #isOpen({ restorableUntilMs = 0 }: Life): boolean {
    return restorableUntilMs > this.nowMs;
  }
}
