import { basename } from "node:path";
import { settingsNeedingRestart } from "../config/compare-configs.js";
import type { Config } from "../config/config.js";
import { ConfigError } from "../config/config-error.js";
import { type ConfigWatch, watchConfig } from "../config/watch-config.js";
import { SecretError } from "../domain/secret-error.js";
import type { Log } from "../log/log.js";

/** What a reloader works with. */
export interface ReloaderOptions {
  /** Reads the file again. */
  readonly load: () => Promise<Config>;
  readonly current: () => Config;
  readonly apply: (config: Config) => void;
  readonly log: Log;
}

/**
 * Puts a changed configuration in force: when the process gets SIGHUP, and when the file changes.
 *
 * A bad file keeps the old configuration and says why. What needs a restart is said, and stays as it was until then.
 */
export class Reloader {
  readonly #options: ReloaderOptions;
  // file or directory → its watch
  readonly #watches = new Map<string, ConfigWatch>();
  readonly #onHangup = (): void => {
    this.#reloadSilently("SIGHUP");
  };
  #running: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#watchAll();
    process.on("SIGHUP", this.#onHangup);
  }

  /**
   * Reloads once; one after the other when called again meanwhile.
   * @returns the changed settings that need a restart
   * @throws SecretError `CONFIG_INVALID` the old configuration stays in force; why is in the log
   */
  reload(occasion: string): Promise<readonly string[]> {
    const reloaded = this.#running.then(() => this.#reload(occasion));
    this.#running = reloaded.catch(() => undefined);
    return reloaded;
  }

  /** Stops watching and listening for the signal. */
  close(): void {
    this.#isClosed = true;
    for (const watch of this.#watches.values()) watch.close();
    this.#watches.clear();
    process.off("SIGHUP", this.#onHangup);
  }

  /** The configuration's file, and what it takes policies and tokens from. */
  #watchAll(): void {
    const { file, policyFiles, authentication } = this.#options.current();
    const paths = new Set([
      file,
      ...policyFiles,
      ...(authentication?.tokens === undefined ? [] : [authentication.tokens.file]),
    ]);
    for (const [path, watch] of this.#watches) {
      if (paths.has(path)) continue;
      watch.close();
      this.#watches.delete(path);
    }
    for (const path of paths) {
      if (this.#watches.has(path)) continue;
      const watch = watchConfig(path, () => {
        this.#reloadSilently(path === file ? "the file changed" : `${basename(path)} changed`);
      });
      this.#watches.set(path, watch);
    }
  }

  /** Nobody waits for it, and the log says what became of it. */
  #reloadSilently(occasion: string): void {
    this.reload(occasion).catch(() => undefined);
  }

  async #reload(occasion: string): Promise<readonly string[]> {
    const { load, current, apply, log } = this.#options;
    for (const watch of this.#watches.values()) watch.rebase();
    try {
      const next = await load();
      const needsRestart = settingsNeedingRestart(current(), next);
      apply(next);
      if (!this.#isClosed) this.#watchAll();
      log.info({ occasion, file: next.file }, "the configuration was reloaded");
      if (needsRestart.length > 0) log.warn({ needsRestart }, "some changed settings need a restart");
      return needsRestart;
    } catch (thrown) {
      const problems = thrown instanceof ConfigError ? thrown.message.split("\n") : undefined;
      log.error({ occasion, problems }, "the configuration was not reloaded; the old one stays in force", { thrown });
      throw new SecretError(
        "CONFIG_INVALID",
        "the configuration has problems, which are in the broker's log; the old one stays in force",
      );
    }
  }
}
