import type { Awaitable } from "../../contract/secret-manager.js";
import type { SecretError } from "../../domain/secret-error.js";
import type { SqlTransaction } from "../../store/sql-database.js";
import type { ConnectionPool } from "./connection-pool.js";
import { PendingWork } from "./pending-work.js";
import { translatePostgresFailure } from "./postgres-failure.js";
import { type GroupOptions, WriteGroup } from "./write-group.js";

/** What the queue writes through. */
export interface WriteQueueOptions extends Pick<GroupOptions, "description" | "schema"> {
  readonly pool: ConnectionPool;
  /** How many groups may be under way at once. */
  readonly maxGroups: number;
}

/** The first of a group waits for the others, and others wait for what the group has locked: not for long. */
const groupMs = 20;
const maxGroup = 128;

/** Works that wait to be written, put into groups that share a commit. */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  readonly #queue: PendingWork[] = [];
  readonly #groups = new Set<Promise<void>>();
  /** Works that wait to be run again. */
  #pausing = 0;
  #isScheduled = false;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  /** Does a work in a transaction; resolves once it is durable. */
  async submit<T>(work: (transaction: SqlTransaction) => Awaitable<T>): Promise<T> {
    const [pending, result] = PendingWork.create(work);
    this.#queue.push(pending);
    this.#schedule();
    return await result;
  }

  /** Resolves when nothing is under way. */
  async drain(): Promise<void> {
    while (this.#queue.length + this.#groups.size + this.#pausing > 0) {
      await Promise.all(this.#groups);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Works of the same turn go together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#queue.length === 0 || this.#groups.size >= this.#options.maxGroups) return;
      const group = this.#runGroup().finally(() => {
        this.#groups.delete(group);
        if (this.#queue.length > 0) this.#schedule();
      });
      this.#groups.add(group);
      // There may be enough for another one.
      this.#schedule();
    });
  }

  async #runGroup(): Promise<void> {
    // Only after the group, which would take them again and again otherwise.
    const makingWay: PendingWork[] = [];
    try {
      await this.#options.pool.use(async (connection) => {
        const first = this.#queue.shift();
        if (first === undefined) return;
        await new WriteGroup(connection, this.#groupOptions(makingWay)).run(first);
      });
      this.#queue.unshift(...makingWay);
    } catch (thrown) {
      this.#rejectAll(translatePostgresFailure(thrown, this.#options.description));
    }
  }

  #groupOptions(makingWay: PendingWork[]): GroupOptions {
    const untilMs = performance.now() + groupMs;
    let count = 1;
    return {
      ...this.#options,
      next: () => {
        if (count >= maxGroup || performance.now() >= untilMs) return undefined;
        count += 1;
        return this.#queue.shift();
      },
      putBack: (work, why) => {
        if (why === "makes way") makingWay.push(work);
        else this.#putFirstLater(work);
      },
    };
  }

  #putFirstLater(work: PendingWork): void {
    this.#pausing += 1;
    setTimeout(() => {
      this.#pausing -= 1;
      this.#queue.unshift(work);
      this.#schedule();
    }, work.pauseMs);
  }

  #rejectAll(error: SecretError): void {
    for (const work of this.#queue.splice(0)) work.reject(error);
  }
}
