import { settingsNeedingRestart } from "../config/compare-configs.js";
import type { Config } from "../config/config.js";
import { ConfigError } from "../config/config-error.js";
import { watchConfig } from "../config/watch-config.js";
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
  readonly #watch: { close(): void };
  readonly #onHangup = (): void => {
    void this.reload("SIGHUP");
  };
  #running: Promise<void> = Promise.resolve();

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#watch = watchConfig(options.current().file, () => void this.reload("the file changed"));
    process.on("SIGHUP", this.#onHangup);
  }

  /** Reloads once; one after the other when called again meanwhile. */
  reload(occasion: string): Promise<void> {
    this.#running = this.#running.then(() => this.#reload(occasion));
    return this.#running;
  }

  /** Stops watching and listening for the signal. */
  close(): void {
    this.#watch.close();
    process.off("SIGHUP", this.#onHangup);
  }

  async #reload(occasion: string): Promise<void> {
    const { load, current, apply, log } = this.#options;
    try {
      const next = await load();
      const needsRestart = settingsNeedingRestart(current(), next);
      apply(next);
      log.info({ occasion, file: next.file }, "the configuration was reloaded");
      if (needsRestart.length > 0) log.warn({ needsRestart }, "some changed settings need a restart");
    } catch (thrown) {
      const problems = thrown instanceof ConfigError ? thrown.message.split("\n") : undefined;
      log.error({ occasion, problems }, "the configuration was not reloaded; the old one stays in force", { thrown });
    }
  }
}
