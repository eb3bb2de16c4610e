import type { Log } from "../log/log.js";
import { Call } from "./call.js";
import type { GuardedManager } from "./guarded-manager.js";

/** What a monitor works with. */
export interface HealthMonitorOptions {
  readonly manager: GuardedManager;
  readonly log: Log;
  /** Between two checks, asked anew each time. */
  readonly intervalMs: () => number;
  /** Told when the answer changes. */
  readonly onChange: (healthy: boolean) => void;
}

/** How long a check may take. */
const checkTimeoutMs = 5_000;

/** Asks the manager for its health, again and again, and remembers the answer. */
export class HealthMonitor {
  readonly #options: HealthMonitorOptions;
  #healthy = true;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #checks = 0;

  constructor(options: HealthMonitorOptions) {
    this.#options = options;
  }

  /** Whether the last check passed; true before the first. */
  get healthy(): boolean {
    return this.#healthy;
  }

  /** Checks now, and again after every interval. */
  async start(): Promise<void> {
    await this.#check();
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.start(), this.#options.intervalMs()).unref();
  }

  /** Checks no more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #check(): Promise<void> {
    const { manager, log, onChange } = this.#options;
    const healthy = await manager.isHealthy(this.#ownCall());
    if (healthy === this.#healthy) return;
    this.#healthy = healthy;
    log.warn(
      { manager: manager.name, healthy },
      healthy ? "the manager is healthy again" : "the manager is not healthy",
    );
    onChange(healthy);
  }

  #ownCall(): Call {
    this.#checks += 1;
    const caller = { principal: "secret-broker", groups: [], provenBy: "none", peer: "internal" } as const;
    return new Call({ caller, requestId: `health-${String(this.#checks)}`, deadlineMs: Date.now() + checkTimeoutMs });
  }
}
