import type { SecretManager } from "../contract/secret-manager.js";
import { type Payload, payloadBytes } from "../domain/payload.js";
import { SecretError, type SecretErrorReason } from "../domain/secret-error.js";
import type { Log } from "../log/log.js";
import type { BrokerMetrics, ManagerOperation } from "../telemetry/broker-metrics.js";
import { type BoundOptions, withBoundOptions } from "./bound-options.js";
import type { Call } from "./call.js";
import { GuardedCall, type Options, whileLive } from "./guarded-call.js";
import { translateManagerFailure } from "./manager-failure.js";
import type { ManagerBreaker, Pass } from "./manager-breaker.js";
import { InvalidReply } from "./manager-reply.js";

/** What a guard works with. */
export interface GuardOptions {
  readonly log: Log;
  readonly metrics: BrokerMetrics;
  /** The largest payload that is taken from the manager, asked anew on every read. */
  readonly maxPayloadBytes: () => number;
  /** Those in force now; none unless given. */
  readonly boundOptions?: () => BoundOptions;
  /** Spares the manager when it fails; nothing does unless given. */
  readonly breaker?: ManagerBreaker | undefined;
}

/** A question to a manager, and how to take its reply. */
export interface Question<T> {
  readonly operation: ManagerOperation;
  readonly name?: string | undefined;
  readonly options?: Options | undefined;
  /** How old the answer may be; undefined where that is the manager's to say. */
  readonly maxStalenessMs?: number | undefined;
  /** A payload the manager is handed, to be masked in what it throws. */
  readonly known?: Payload | undefined;
  ask(manager: SecretManager, call: GuardedCall): unknown;
  parse(reply: unknown): T;
}

/** What a manager gave back: its reply, or a promise of one. */
type Asked = Settled | { readonly isPending: true; readonly reply: PromiseLike<unknown> };

interface Settled {
  readonly isPending: false;
  readonly reply: unknown;
}

/** A question on its way. */
interface Passage {
  readonly startMs: number;
  readonly pass: Pass | undefined;
}

const noneBound: BoundOptions = new Map();

/** What a manager may say without there being anything wrong with it. */
const expectedReasons: ReadonlySet<SecretErrorReason> = new Set<SecretErrorReason>([
  "SECRET_NOT_FOUND",
  "VERSION_NOT_FOUND",
  "SECRET_DELETED",
  "VERSION_MISMATCH",
  "SECRET_EXISTS",
  "IDEMPOTENCY_CONFLICT",
]);

/**
 * Puts questions to a manager: holds each to its call's deadline, checks the reply, and lets no text of the manager's
 * past. A manager that hangs, throws anything, answers anything or keeps what it was handed harms nobody. (A class in
 * this process that never gives the event loop back cannot be guarded against from within it.)
 */
export class ManagerGuard {
  /** What messages call the manager. */
  readonly name: string;
  readonly #manager: SecretManager;
  readonly #options: GuardOptions;
  readonly #bound: () => BoundOptions;

  constructor(manager: SecretManager, options: GuardOptions) {
    this.name = nameOf(manager);
    this.#manager = manager;
    this.#options = options;
    this.#bound = options.boundOptions ?? ((): BoundOptions => noneBound);
  }

  /** The options a manager sees of a call. @throws SecretError `POLICY_DENIED` */
  optionsFor(call: Pick<Call, "caller">, given: Options | undefined): Options | undefined {
    return withBoundOptions(this.#bound(), call, given);
  }

  /**
   * Puts one question. What a manager has at hand is answered at once, without a promise, as reads of hot secrets are.
   * @throws SecretError or rejects with one: what the manager may say, `MANAGER_UNAVAILABLE`, `MANAGER_REPLY_INVALID`,
   * `MANAGER_TIMEOUT`, `CALL_CANCELLED`, `BREAKER_OPEN`
   */
  put<T>(call: Call, question: Question<T>): T | Promise<T> {
    const pass = this.#options.breaker?.enter(question.operation);
    const passage: Passage = { pass, startMs: performance.now() };
    try {
      call.assertLive();
      const asked = this.#ask(call, question);
      if (asked.isPending) return this.#answerLater(call, question, [asked.reply, passage]);
      return this.#answer(call, question, [asked.reply, passage]);
    } catch (error) {
      this.#fail(question, error, passage);
      throw error;
    }
  }

  /**
   * Follows what the manager tells as long as the call lives; each event is checked as a reply is.
   * @throws SecretError as {@link ManagerGuard.put} does
   */
  async *follow<T>(call: Call, question: Question<T>): AsyncGenerator<T, void> {
    const startMs = performance.now();
    const { metrics } = this.#options;
    let iterator: AsyncIterator<unknown> | undefined;
    try {
      call.assertLive();
      iterator = iteratorOf(this.#ask(call, question).reply);
      for (;;) {
        const { reply } = await this.#settle(call, question, nextOf(iterator));
        if (!isStep(reply) || reply.done === true) break;
        yield this.#take(reply.value, question, call);
      }
      metrics.managerCall(question.operation, "done", performance.now() - startMs);
    } catch (error) {
      metrics.managerCall(question.operation, "failed", performance.now() - startMs);
      throw error;
    } finally {
      void letGo(iterator);
    }
  }

  /** What a caller is told of something the manager threw; what that was goes to the log. */
  failureOf<T>(call: Call, question: Question<T>, thrown: unknown): SecretError {
    const { operation, name } = question;
    const failure = translateManagerFailure(thrown, { manager: this.name, operation, name });
    if (!expectedReasons.has(failure.reason)) this.#report(call, question, thrown);
    return failure;
  }

  #ask<T>(call: Call, question: Question<T>): Asked {
    const options = this.optionsFor(call, question.options);
    try {
      const reply = question.ask(this.#manager, new GuardedCall(call, options, question.maxStalenessMs));
      return isThenable(reply) ? { isPending: true, reply } : { isPending: false, reply };
    } catch (thrown) {
      throw this.failureOf(call, question, thrown);
    }
  }

  #answer<T>(call: Call, question: Question<T>, [reply, { pass, startMs }]: readonly [unknown, Passage]): T {
    const answer = this.#take(reply, question, call);
    const outcome = outcomeOf(question.operation, answer);
    const durationMs = performance.now() - startMs;
    this.#options.metrics.managerCall(question.operation, outcome, durationMs);
    if (pass !== undefined) this.#options.breaker?.leave(pass, { durationMs });
    return answer;
  }

  async #answerLater<T>(
    call: Call,
    question: Question<T>,
    [pending, passage]: readonly [PromiseLike<unknown>, Passage],
  ): Promise<T> {
    try {
      const { reply } = await this.#settle(call, question, pending);
      return this.#answer(call, question, [reply, passage]);
    } catch (error) {
      this.#fail(question, error, passage);
      throw error;
    }
  }

  #fail<T>({ operation }: Question<T>, error: unknown, { pass, startMs }: Passage): void {
    const durationMs = performance.now() - startMs;
    this.#options.metrics.managerCall(operation, "failed", durationMs);
    this.#options.breaker?.leave(pass, { durationMs, error });
  }

  /** The reply stays in a box: handed on bare, whatever has a "then" would be waited for once more, unguarded. */
  async #settle<T>(call: Call, question: Question<T>, pending: PromiseLike<unknown>): Promise<Settled> {
    try {
      return { isPending: false, reply: await whileLive(pending, call.signal) };
    } catch (thrown) {
      if (call.isInterruption(thrown)) throw thrown;
      throw this.failureOf(call, question, thrown);
    }
  }

  #take<T>(reply: unknown, question: Question<T>, call: Call): T {
    try {
      return question.parse(reply);
    } catch (thrown) {
      const { operation } = question;
      const message = `the manager ${this.name} gave an invalid reply to ${operation}: ${brokenRule(thrown)}`;
      this.#options.log.error({ requestId: call.requestId, manager: this.name, operation }, message);
      throw new SecretError("MANAGER_REPLY_INVALID", message, { metadata: { manager: this.name, operation } });
    }
  }

  #report<T>(call: Call, { operation, known }: Question<T>, thrown: unknown): void {
    const facts = { requestId: call.requestId, manager: this.name, operation };
    // Bytes are often text that was sent as bytes, and would be quoted as text.
    const masked = known === undefined ? [] : [Buffer.from(payloadBytes(known)).toString("utf8")];
    this.#options.log.warn(facts, "the manager failed", { thrown, known: masked });
  }
}

function nameOf(manager: SecretManager): string {
  const given: unknown = manager.managerName;
  const name = typeof given === "string" && given !== "" ? given : manager.constructor.name;
  return name.slice(0, 128);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return "then" in value && typeof value.then === "function";
}

/** What is no stream of events ends at once. */
function iteratorOf(reply: unknown): AsyncIterator<unknown> | undefined {
  if (typeof reply !== "object" || reply === null || !(Symbol.asyncIterator in reply)) return undefined;
  return (reply as AsyncIterable<unknown>)[Symbol.asyncIterator]();
}

async function nextOf(iterator: AsyncIterator<unknown> | undefined): Promise<unknown> {
  return await iterator?.next();
}

/** The manager may clean up in its own time, and what that throws is nobody's any more. */
async function letGo(iterator: AsyncIterator<unknown> | undefined): Promise<void> {
  try {
    await iterator?.return?.();
  } catch {
    // Nothing hangs on it.
  }
}

function isStep(step: unknown): step is IteratorResult<unknown> {
  return typeof step === "object" && step !== null && "done" in step;
}

/** A getter of the reply's may throw anything, even what throws when it is looked at. */
function brokenRule(thrown: unknown): string {
  try {
    if (thrown instanceof InvalidReply) return thrown.message;
  } catch {
    // As unreadable as the reply.
  }
  return "it could not be read";
}

function outcomeOf(operation: ManagerOperation, answer: unknown): "found" | "absent" | "done" {
  if (answer === undefined) return "absent";
  return operation === "read" || operation === "read_version" || operation === "describe" ? "found" : "done";
}
