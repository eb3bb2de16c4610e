import type { TlsConfig } from "../config/config.js";
import { ConfigError } from "../config/config-error.js";
import { loadTlsFiles, type TlsFiles } from "../config/tls-files.js";
import { type ConfigWatch, watchConfig } from "../config/watch-config.js";
import type { Log } from "../log/log.js";

/** What a watch over the files of a listener works with. */
export interface TlsWatchOptions {
  /** Of the listener, as a client dials it. */
  readonly address: string;
  readonly tls: TlsConfig;
  /** What they held at the start. */
  readonly files: TlsFiles;
  readonly apply: (files: TlsFiles) => void;
  readonly log: Log;
}

const dayMs = 24 * 60 * 60 * 1_000;

/** From when on the log says that a certificate expires. */
const warningDays = 14;

/** How long what belongs together, a certificate and its key, may take to be replaced one after the other. */
const secondLookMs = 2_000;

/**
 * Takes over certificates that have changed, once they are good: what cannot be used keeps the old ones in force, and is
 * said once. Says, too, when one is about to expire.
 */
export class TlsWatch {
  readonly #options: TlsWatchOptions;
  readonly #watches: readonly ConfigWatch[];
  readonly #expiryTimer: NodeJS.Timeout;
  #current: TlsFiles;
  #secondLook: NodeJS.Timeout | undefined;
  #reported = "";
  #running: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: TlsWatchOptions) {
    this.#options = options;
    this.#current = options.files;
    const { certificate, key, clientCa } = options.tls;
    const paths = [certificate, key, ...(clientCa === undefined ? [] : [clientCa])];
    this.#watches = paths.map((path) => watchConfig(path, () => this.#look(true)));
    this.#expiryTimer = setInterval(() => this.#warnOfExpiry(), dayMs).unref();
    this.#warnOfExpiry();
  }

  /** Whose certificates they are. */
  get address(): string {
    return this.#options.address;
  }

  /** When the certificate in force expires, in milliseconds since the epoch. */
  get expiresAtMs(): number {
    return this.#current.expiresAtMs;
  }

  /** Ends the watch. Idempotent. */
  close(): void {
    this.#isClosed = true;
    for (const watch of this.#watches) watch.close();
    clearInterval(this.#expiryTimer);
    clearTimeout(this.#secondLook);
  }

  #look(isFirst: boolean): void {
    this.#running = this.#running.then(() => this.#reload(isFirst));
  }

  /** Never rejects. */
  async #reload(isFirst: boolean): Promise<void> {
    const { tls, apply, log } = this.#options;
    clearTimeout(this.#secondLook);
    try {
      const files = await loadTlsFiles(tls);
      if (this.#isClosed) return;
      this.#reported = "";
      if (isSame(files, this.#current)) return;
      apply(files);
      this.#current = files;
      log.info({ certificate: tls.certificate, expires: isoOf(files) }, "certificates were taken over");
      this.#warnOfExpiry();
    } catch (thrown) {
      if (this.#isClosed) return;
      if (isFirst) this.#secondLook = setTimeout(() => this.#look(false), secondLookMs).unref();
      else this.#report(thrown);
    }
  }

  #report(thrown: unknown): void {
    const problems = thrown instanceof ConfigError ? thrown.message.split("\n") : [];
    const report = problems.join("\n");
    if (report !== "" && report === this.#reported) return;
    this.#reported = report;
    const message = "changed certificates cannot be used; the old ones stay in force";
    this.#options.log.error({ certificate: this.#options.tls.certificate, problems }, message, { thrown });
  }

  #warnOfExpiry(): void {
    const days = Math.floor((this.#current.expiresAtMs - Date.now()) / dayMs);
    if (days >= warningDays) return;
    const facts = { certificate: this.#options.tls.certificate, expires: isoOf(this.#current), days };
    this.#options.log.warn(facts, days < 0 ? "a certificate has expired" : "a certificate expires soon; renew it");
  }
}

function isoOf({ expiresAtMs }: TlsFiles): string {
  return new Date(expiresAtMs).toISOString();
}

function isSame(a: TlsFiles, b: TlsFiles): boolean {
  const authorities = (files: TlsFiles): string =>
    files.clientAuthorities.map(({ fingerprint256 }) => fingerprint256).join();
  return a.certificate === b.certificate && a.key === b.key && authorities(a) === authorities(b);
}
