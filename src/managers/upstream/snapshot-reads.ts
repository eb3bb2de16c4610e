import type { ManagerCall } from "../../contract/manager-call.js";
import type { ReadReply } from "../../contract/secret-manager.js";
import { type Payload, payloadBytes } from "../../domain/payload.js";
import type { Secret } from "../../domain/secret.js";
import { isSecretError, type SecretErrorReason } from "../../domain/secret-error.js";
import { ForwardClock, type KeptAnswer, KeptAnswers } from "./kept-answers.js";
import { formatSnapshot, parseSnapshot } from "./snapshot-document.js";

/** Where a snapshot is kept, sealed. */
export interface SnapshotKeeper {
  /** What was saved last; undefined when there is nothing, or nothing that opens, which it has told of. */
  load(): Promise<Uint8Array | undefined>;
  /** Replaces it. Overwrites the bytes it was given. */
  save(content: Uint8Array): Promise<void>;
}

/** What reads with a snapshot work with. */
export interface SnapshotOptions {
  readonly keeper: SnapshotKeeper;
  /** The age up to which an answer is given while no central broker can be asked, in milliseconds, as it is now. */
  readonly maxStaleMs: () => number;
  /** Told what the owner should know. */
  readonly onNote: (note: string, thrown?: unknown) => void;
  /** The system's unless given. */
  readonly clock?: ForwardClock | undefined;
}

type Read = (name: string, call: ManagerCall) => Promise<ReadReply | undefined>;

interface Question {
  readonly name: string;
  /** Whether the name has changed since it was asked for. */
  isOutdone: boolean;
}

/** How soon a change is saved, in milliseconds; what changes meanwhile goes with it. */
const saveDelayMs = 1_000;

/** How long a central broker is waited for at most while there is something else to answer with, in milliseconds. */
const patienceMs = 1_000;

/** The central broker could not be asked, so nothing is known; anything else it says is an answer. */
const outages: ReadonlySet<SecretErrorReason> = new Set<SecretErrorReason>([
  "MANAGER_UNAVAILABLE",
  "MANAGER_TIMEOUT",
  "MANAGER_QUOTA",
  "STALE_TOO_OLD",
]);

/** Reads of active versions that outlast an outage, and a restart in the middle of it. Must be closed. */
export class SnapshotReads {
  readonly #ask: Read;
  readonly #options: SnapshotOptions;
  readonly #clock: ForwardClock;
  readonly #answers = new KeptAnswers();
  /** Those under way. */
  readonly #questions = new Set<Question>();
  #timer: NodeJS.Timeout | undefined;
  /** The newest save, and what became of it. */
  #saving: Promise<void> = Promise.resolve();
  /** Whether something else may be on the disk than is kept; what a former process left there is not known. */
  #isUnsaved = true;
  /** Whether a save waits for the one before it. */
  #isQueued = false;
  #isClosed = false;

  constructor(ask: Read, options: SnapshotOptions) {
    this.#ask = ask;
    this.#options = options;
    this.#clock = options.clock ?? new ForwardClock();
  }

  /** Takes up what was saved. One from the future is not taken: how old its answers are cannot be known. */
  async load(): Promise<void> {
    const { keeper, onNote } = this.#options;
    const content = await keeper.load();
    if (content === undefined) return;
    try {
      const { savedAtMs, answers } = parseSnapshot(content);
      if (savedAtMs > this.#clock.nowMs()) {
        onNote("the snapshot is ignored: it was saved later than it is now, so the clock has been set back");
        return;
      }
      for (const [name, answer] of answers) this.#answers.keep(name, answer);
    } catch (thrown) {
      onNote("the snapshot is ignored: it holds something else than a snapshot", thrown);
    } finally {
      content.fill(0);
    }
  }

  /** Asks, and answers with what is kept when nobody can be asked. @throws SecretError */
  async read(name: string, call: ManagerCall): Promise<ReadReply | undefined> {
    // What the caller adds may make it another question.
    if (Object.keys(call.options).length > 0) return await this.#ask(name, call);
    const askedAtMs = this.#clock.nowMs();
    const question = { name, isOutdone: false };
    this.#questions.add(question);
    try {
      const isSpare = this.#usable(name, call) !== undefined;
      const reply = await this.#ask(name, isSpare ? shortened(call) : call);
      if (!question.isOutdone) this.#learn(name, reply, askedAtMs);
      return reply;
    } catch (thrown) {
      if (!isSecretError(thrown) || !outages.has(thrown.reason)) {
        this.forget(name);
        throw thrown;
      }
      const kept = this.#usable(name, call);
      if (kept === undefined) throw thrown;
      return this.#stale(kept);
    } finally {
      this.#questions.delete(question);
    }
  }

  /** Drops what is kept of a name that has changed, and what is on its way and may be from before. */
  forget(name: string): void {
    for (const question of this.#questions) question.isOutdone ||= question.name === name;
    if (this.#answers.drop(name)) this.#saveSoon();
  }

  /** Drops what is kept of a name, unless it is what there is now. */
  forgetUnless({ name, payload, version, uid }: Secret): void {
    const reply = this.#answers.get(name)?.reply;
    if (reply === undefined) return;
    const isSame = reply.version === version && reply.uid === uid && isSamePayload(reply.value, payload);
    if (!isSame) this.forget(name);
  }

  /**
   * Drops what is kept of a name, on the disk too.
   * @throws what the keeper fails with; then it may be there still, and the next save or this tries again
   */
  async erase(name: string): Promise<void> {
    this.forget(name);
    if (this.#isUnsaved && !this.#isClosed) this.#save();
    await this.#saving;
  }

  /** Saves what is kept, and keeps nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const isDue = this.#timer !== undefined;
    clearTimeout(this.#timer);
    if (isDue) this.#save();
    await this.#saving.catch(() => undefined);
    for (const [name] of this.#answers.entries()) this.#answers.drop(name);
  }

  #learn(name: string, reply: ReadReply | undefined, askedAtMs: number): void {
    if (reply === undefined) {
      this.forget(name);
      return;
    }
    const value = typeof reply.value === "string" ? reply.value : new Uint8Array(reply.value);
    const told = { ...reply, value, ageMs: undefined, isStale: undefined };
    this.#answers.keep(name, { reply: told, confirmedAtMs: askedAtMs - (reply.ageMs ?? 0) });
    this.#saveSoon();
  }

  /** What is kept of a name, if it may be given. */
  #usable(name: string, { maxStalenessMs = Infinity }: ManagerCall): KeptAnswer | undefined {
    const kept = this.#answers.get(name);
    if (kept === undefined || maxStalenessMs === 0) return undefined;
    const nowMs = this.#clock.nowMs();
    const boundMs = Math.min(this.#options.maxStaleMs(), maxStalenessMs);
    const isExpired = (kept.reply.expireTime?.getTime() ?? Infinity) <= nowMs;
    return isExpired || nowMs - kept.confirmedAtMs > boundMs ? undefined : kept;
  }

  #stale({ reply, confirmedAtMs }: KeptAnswer): ReadReply {
    const value = typeof reply.value === "string" ? reply.value : new Uint8Array(reply.value);
    return { ...reply, value, ageMs: Math.max(this.#clock.nowMs() - confirmedAtMs, 0), isStale: true };
  }

  #saveSoon(): void {
    if (this.#isClosed) return;
    this.#isUnsaved = true;
    this.#timer ??= setTimeout(() => {
      this.#save();
    }, saveDelayMs).unref();
  }

  /** One after the other, so that an older state never comes last; what changes until it begins goes with it. */
  #save(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isUnsaved = false;
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#saving = this.#saving.catch(() => undefined).then(() => this.#write());
    this.#saving.catch((thrown: unknown) => {
      this.#isUnsaved = true;
      this.#options.onNote("the snapshot could not be saved; what is in its file is from before", thrown);
    });
  }

  async #write(): Promise<void> {
    this.#isQueued = false;
    const { keeper, maxStaleMs } = this.#options;
    const savedAtMs = this.#clock.nowMs();
    const oldestMs = savedAtMs - maxStaleMs();
    const answers = this.#answers.entries().filter(([, { confirmedAtMs }]) => confirmedAtMs >= oldestMs);
    await keeper.save(formatSnapshot({ savedAtMs, answers }));
  }
}

function isSamePayload(one: Payload, other: Payload): boolean {
  return typeof one === typeof other && Buffer.compare(payloadBytes(one), payloadBytes(other)) === 0;
}

/** The same call with less time, so that there is some left for another answer. */
function shortened(call: ManagerCall): ManagerCall {
  const { options, signal, principal, maxStalenessMs, requestId, traceparent } = call;
  const remainingMs = call.deadline.getTime() - Date.now();
  const deadline = new Date(Date.now() + Math.min(patienceMs, Math.max(remainingMs / 2, 1)));
  return { options, signal, deadline, principal, maxStalenessMs, requestId, traceparent };
}
