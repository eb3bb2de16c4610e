import { isSecretError, SecretError } from "../../domain/secret-error.js";
import type { PendingWork } from "./pending-work.js";
import type { PostgresConnection } from "./postgres-connection.js";
import {
  endsConnection,
  isPassing,
  isRefusal,
  translatePostgresFailure,
  unavailable,
  unknownOutcome,
} from "./postgres-failure.js";
import { type Statement, WorkSession } from "./work-session.js";

/** How groups run. */
export interface GroupOptions {
  readonly description: string;
  /** Also the channel on which a change is announced to all brokers. */
  readonly schema: string;
  /** The next work that is to join; undefined when the group is to be committed. */
  readonly next: () => PendingWork | undefined;
  /** Takes back a work that is to be run again. */
  readonly putBack: (work: PendingWork, why: "makes way" | "failed") => void;
}

interface Done {
  readonly work: PendingWork;
  /** Tells its caller what came of it: a result, or a refusal. */
  readonly answer: () => void;
  readonly last: readonly Statement[];
}

/** The works were in order, and yet the transaction was rolled back. */
const rolledBack = "rolled the transaction back";

/** Works that share one transaction and its commit. Each has a savepoint, so one that fails is undone alone. */
export class WriteGroup {
  readonly #connection: PostgresConnection;
  readonly #options: GroupOptions;
  readonly #done: Done[] = [];
  #hasChanged = false;
  #isFirst = true;

  constructor(connection: PostgresConnection, options: GroupOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Runs works until there is none to join, and commits; each is told, or put back. Never rejects. */
  async run(first: PendingWork): Promise<void> {
    let current: PendingWork | undefined = first;
    try {
      // A transaction whose isolation no setting of a role changes. In one go: were BEGIN refused, SAVEPOINT would be.
      await this.#script("BEGIN ISOLATION LEVEL READ COMMITTED; SAVEPOINT work");
      await this.#perform(current);
      while ((current = this.#options.next()) !== undefined) await this.#performNext(current);
      if (this.#done.length === 0) await this.#script("ROLLBACK");
      else await this.#performLast();
    } catch (error) {
      await this.#abandon(this.#translate(error), current);
      return;
    }
    if (this.#done.length > 0) await this.#commit();
  }

  /** Sends the savepoint with what the work begins with: were it refused, so would be all that comes after it. */
  async #performNext(work: PendingWork): Promise<void> {
    const ready = this.#done.length > 0 ? this.#script("RELEASE work; SAVEPOINT work") : undefined;
    const outcomes = await Promise.allSettled([ready, this.#perform(work)]);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  /** Only now, as what these statements lock stays locked until the commit. */
  async #performLast(): Promise<void> {
    const statements = this.#done.flatMap(({ last }) => last);
    await Promise.all(statements.map((statement) => this.#connection.run(...statement)));
  }

  /** Runs one work. Throws when the transaction cannot go on. */
  async #perform(work: PendingWork): Promise<void> {
    const { description, schema } = this.#options;
    const session = new WorkSession({ connection: this.#connection, description, schema, mayWait: this.#isFirst });
    this.#isFirst = false;
    let answer: (() => void) | undefined;
    let failure: SecretError | undefined;
    try {
      // All at once and in order, as a work that locks twice may otherwise wait for one that waits for it.
      if (work.names.size > 0) await session.lockNames([...work.names]);
      answer = await work.run(session);
    } catch (error) {
      failure = this.#translate(error);
    }
    await session.end();
    failure = session.failure ?? failure;
    if (failure === undefined && answer !== undefined) {
      this.#done.push({ work, answer, last: [...session.last] });
      this.#hasChanged ||= session.hasChanged;
      return;
    }
    await this.#undo({ work, session }, failure ?? unavailable(description, rolledBack));
  }

  async #undo(
    { work, session }: { readonly work: PendingWork; readonly session: WorkSession },
    failure: SecretError,
  ): Promise<void> {
    if (endsConnection(failure)) {
      this.#connection.destroy();
      throw failure;
    }
    await this.#script("ROLLBACK TO work");
    for (const name of session.wantedNames) work.names.add(name);
    if (!session.mustRunAgain) this.#refuse(work, failure);
    else if (!isPassing(failure)) this.#options.putBack(work, "makes way");
    else this.#tryAgain(work, failure);
  }

  /** A refusal may rest on what the group has changed, and then waits for the commit as a result does. */
  #refuse(work: PendingWork, failure: SecretError): void {
    const answer = (): void => {
      work.reject(failure);
    };
    if (this.#hasChanged) this.#done.push({ work, answer, last: [] });
    else answer();
  }

  async #commit(): Promise<void> {
    const announce = this.#hasChanged ? `NOTIFY "${this.#options.schema}"; ` : "";
    let outcome: string;
    try {
      outcome = await this.#connection.script(`RELEASE work; ${announce}COMMIT`);
    } catch (thrown) {
      const error = this.#translate(thrown);
      if (isRefusal(error)) await this.#abandon(error, undefined);
      else this.#rejectAll(unknownOutcome(error.cause, this.#options.description));
      return;
    }
    // What PostgreSQL answers to the COMMIT of a transaction that has failed.
    if (outcome !== "COMMIT") this.#rejectAll(unavailable(this.#options.description, rolledBack));
    else for (const { answer } of this.#done) answer();
  }

  /** The transaction is over, and nothing of it has been made. */
  async #abandon(error: SecretError, current: PendingWork | undefined): Promise<void> {
    const works = this.#done.map(({ work }) => work);
    if (current !== undefined && !works.includes(current)) works.push(current);
    // Without an answer the server ends the transaction with the connection.
    if (isRefusal(error)) await this.#script("ROLLBACK").catch(() => undefined);
    else this.#connection.destroy();
    // A connection that was idle may have been dead before it was used.
    const mayRunAgain = isPassing(error) || this.#isFirst;
    for (const work of works) {
      if (mayRunAgain) this.#tryAgain(work, error);
      else work.reject(error);
    }
  }

  #tryAgain(work: PendingWork, failure: SecretError): void {
    if (work.mayRunAgain()) this.#options.putBack(work, "failed");
    else work.reject(failure);
  }

  #rejectAll(error: SecretError): void {
    this.#connection.destroy();
    for (const { work } of this.#done) work.reject(error);
  }

  async #script(sql: string): Promise<void> {
    await this.#connection.script(sql);
  }

  #translate(thrown: unknown): SecretError {
    if (isSecretError(thrown)) return thrown;
    return translatePostgresFailure(thrown, this.#options.description);
  }
}
