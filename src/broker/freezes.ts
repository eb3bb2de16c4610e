import type { SecretName } from "../domain/secret-name.js";

/** Why and since when a secret is released to nobody. */
export interface Freeze {
  readonly cause: string;
  readonly principal: string;
  readonly time: Date;
}

/** Where freezes outlast the process. */
export interface FreezeKeeper {
  /** What was kept; empty before the first. @throws SecretError `CONFIG_INVALID` when it cannot be read */
  load(): Promise<ReadonlyMap<SecretName, Freeze>>;
  /** Keeps all of them. @throws SecretError `CONFIG_INVALID` */
  save(freezes: ReadonlyMap<SecretName, Freeze>): Promise<void>;
}

/** The secrets that are frozen in an incident: read and watched by nobody until the freeze ends. */
export class Freezes {
  readonly #byName = new Map<SecretName, Freeze>();
  readonly #keeper: FreezeKeeper;
  #saving: Promise<void> = Promise.resolve();

  constructor(keeper: FreezeKeeper) {
    this.#keeper = keeper;
  }

  /** Puts those in force that were before a restart. @throws SecretError `CONFIG_INVALID` */
  async load(): Promise<void> {
    for (const [name, freeze] of await this.#keeper.load()) this.#byName.set(name, freeze);
  }

  /** The frozen names; changes as freezes come and go. */
  get byName(): ReadonlyMap<SecretName, Freeze> {
    return this.#byName;
  }

  /**
   * Puts a freeze in force at once; resolves when it is kept.
   * @throws SecretError `CONFIG_INVALID` it is in force and could not be kept
   */
  async freeze(name: SecretName, freeze: Freeze): Promise<void> {
    this.#byName.set(name, freeze);
    await this.#save();
  }

  /**
   * Ends a freeze; a name that is not frozen stays as it is.
   * @throws SecretError `CONFIG_INVALID` it has ended and may come back with a restart
   */
  async unfreeze(name: SecretName): Promise<void> {
    if (this.#byName.delete(name)) await this.#save();
  }

  /** One after the other, each with what is in force then. */
  #save(): Promise<void> {
    const saved = this.#saving.then(() => this.#keeper.save(this.#byName));
    this.#saving = saved.catch(() => undefined);
    return saved;
  }
}
