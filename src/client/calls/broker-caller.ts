import type { Metadata } from "@grpc/grpc-js";
import { SecretError } from "../../domain/secret-error.js";
import { callMetadata, type CallMarks, type CallOptions, checkTimeoutMs } from "../call-options.js";
import type { BrokerConnection } from "../connection/broker-connection.js";
import type { BrokerConnections } from "../connection/broker-connections.js";
import type { CredentialReader } from "../connection/credential-source.js";
import { callCancelled, type CallFailure, clientClosed } from "./call-failure.js";
import { inTime } from "./in-time.js";
import { pause } from "./pause.js";
import type { RetryPolicy } from "./retry-policy.js";
import type { Rpc } from "./rpc.js";
import { attemptCall, type AttemptOutcome, type OutgoingCall } from "./unary-attempt.js";

/** What calls are made with. */
export interface BrokerCallerParts {
  readonly connections: BrokerConnections;
  readonly token: CredentialReader<string | undefined>;
  readonly timeoutMs: number;
  readonly retries: RetryPolicy;
  /** After how long without an answer a read is asked a second time; undefined is never. */
  readonly hedgeAfterMs: number | undefined;
}

/** One call until its end. */
interface RunningCall {
  outgoing: OutgoingCall;
  readonly marks: CallMarks;
  readonly isRepeatable: boolean;
  readonly isRead: boolean;
  readonly signal: AbortSignal | undefined;
}

type CallBounds = Pick<OutgoingCall, "deadlineMs" | "timeoutMs"> & Pick<RunningCall, "signal">;

/** How long something that a call needs is waited for. */
interface Wanted extends Pick<RunningCall, "signal"> {
  readonly timeoutMs?: number;
  readonly tooSlow?: () => SecretError;
}

/** How often a call was tried. */
interface Tries {
  attempts: number;
  /** How often because a broker was not there. */
  failovers: number;
  /** Whether the token was looked at again. */
  isProvenAnew: boolean;
}

/** Makes calls: each with a deadline, and those that may be repeated more than once where that helps. */
export class BrokerCaller {
  readonly #parts: BrokerCallerParts;
  readonly #closing = new AbortController();

  constructor(parts: BrokerCallerParts) {
    this.#parts = parts;
  }

  /** Aborted when the client is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Asks and waits for the answer.
   * @throws SecretError the broker's own failure, or what kept the call from it
   */
  async call<Ask, Answer>(rpc: Rpc<Ask, Answer>, ask: Ask, options: CallOptions = {}): Promise<Answer> {
    this.assertOpen();
    const timeoutMs = checkTimeoutMs(options.timeoutMs ?? this.#parts.timeoutMs);
    const deadlineMs = Date.now() + timeoutMs;
    const message = rpc.encode(ask);
    const { signal } = options;
    if (signal?.aborted === true) throw callCancelled();
    const isRepeatable = rpc.isRepeatable(ask);
    const { references } = this.#parts.connections;
    references.hold();
    try {
      const metadata = await this.#metadataFor(options, { signal, deadlineMs, timeoutMs });
      const outgoing = { path: rpc.path, message, metadata, deadlineMs, timeoutMs };
      const running = { outgoing, marks: options, isRepeatable, isRead: rpc.isRead, signal };
      return rpc.decode(await this.#run(running), ask);
    } finally {
      references.release();
    }
  }

  /** What goes with a call: its id and trace, and who calls. */
  metadata(marks: CallMarks): Metadata | Promise<Metadata> {
    const token = this.#parts.token.read();
    if (token instanceof Promise) return token.then((read) => callMetadata(marks, read));
    return callMetadata(marks, token);
  }

  /** The broker did not accept who calls: a token that is read from a file is read again. */
  forgetToken(): void {
    this.#parts.token.forget();
  }

  /** @throws SecretError `CALL_CANCELLED` when the client is closed */
  assertOpen(): void {
    if (this.#closing.signal.aborted) throw clientClosed();
  }

  /** Takes no more calls, and tries none again; those that were sent come to their end, and no other is sent. */
  close(): void {
    this.#closing.abort();
  }

  /** A function that gives the token may take its time; the call has no more than its own. */
  #metadataFor(marks: CallMarks, { signal, deadlineMs, timeoutMs }: CallBounds): Metadata | Promise<Metadata> {
    const tooSlow = (): SecretError =>
      new SecretError("MANAGER_TIMEOUT", `the token was not there within ${String(timeoutMs)} ms`);
    return this.#whileWanted(this.metadata(marks), { signal, timeoutMs: deadlineMs - Date.now(), tooSlow });
  }

  /** Waits as long as the caller does, and the client is open. */
  #whileWanted<T>(work: T | Promise<T>, { signal, timeoutMs, tooSlow = callCancelled }: Wanted): T | Promise<T> {
    if (!(work instanceof Promise)) return work;
    const closed = this.#closing.signal;
    const tooLate = (): SecretError =>
      isAborted(signal) ? callCancelled() : closed.aborted ? clientClosed() : tooSlow();
    return inTime(work, { signals: [signal, closed], timeoutMs, tooLate });
  }

  async #run(call: RunningCall): Promise<Buffer> {
    const { connections, retries } = this.#parts;
    const { signal } = call;
    const tries = { attempts: 0, failovers: 0, isProvenAnew: false };
    for (;;) {
      const connection = await this.#whileWanted(connections.pick(call.outgoing.deadlineMs), { signal });
      // Nothing can be sent any more.
      this.assertOpen();
      const outcome = await this.#attempt(connection, call);
      if (outcome.ok) {
        retries.noteAnswer();
        return outcome.bytes;
      }
      this.#learn(connection, outcome);
      const delayMs = (await this.#proveAnew(outcome, call, tries)) ? 0 : this.#delayAfter(outcome, call, tries);
      if (delayMs === undefined) throw outcome.error;
      await pause(delayMs, [signal, this.#closing.signal]);
      if (isAborted(signal)) throw callCancelled(outcome.error);
      if (isAborted(this.#closing.signal)) throw outcome.error;
    }
  }

  /** What a failure says of the broker, and of who it takes us for. */
  #learn(connection: BrokerConnection, { error, isLost }: CallFailure): void {
    if (isLost || error.reason === "MANAGER_UNAVAILABLE") this.#parts.connections.avoid(connection);
    if (error.reason.startsWith("CREDENTIAL_")) this.forgetToken();
  }

  /** Whether the broker refused a token that has been replaced meanwhile; the call then goes on with the new one. */
  async #proveAnew({ error }: CallFailure, call: RunningCall, tries: Tries): Promise<boolean> {
    if (!error.reason.startsWith("CREDENTIAL_") || !call.isRepeatable || tries.isProvenAnew) return false;
    tries.isProvenAnew = true;
    const metadata = await this.#metadataFor(call.marks, { ...call.outgoing, signal: call.signal });
    const isNew = String(metadata.get("authorization")) !== String(call.outgoing.metadata.get("authorization"));
    call.outgoing = { ...call.outgoing, metadata };
    return isNew;
  }

  /** How long until it is tried again; undefined when it is not. */
  #delayAfter({ error, isLost }: CallFailure, call: RunningCall, tries: Tries): number | undefined {
    const { connections, retries } = this.#parts;
    if (!call.isRepeatable || isAborted(call.signal) || isAborted(this.#closing.signal)) return undefined;
    const remainingMs = call.outgoing.deadlineMs - Date.now();
    // Another broker is asked at once, each of them once; after that it takes its time.
    if (isLost && tries.failovers < connections.size - 1 && remainingMs > 0) {
      tries.failovers += 1;
      return 0;
    }
    tries.attempts += 1;
    return retries.delayAfter(error, tries.attempts, remainingMs);
  }

  #attempt(connection: BrokerConnection, { outgoing, isRead, signal }: RunningCall): Promise<AttemptOutcome> {
    const { hedgeAfterMs } = this.#parts;
    if (hedgeAfterMs === undefined || !isRead) return attemptCall(connection, outgoing, signal);
    return this.#hedge(connection, outgoing, signal);
  }

  /** Asks a second time when the first answer is late; the first success wins, and the other is called off. */
  async #hedge(
    connection: BrokerConnection,
    outgoing: OutgoingCall,
    signal: AbortSignal | undefined,
  ): Promise<AttemptOutcome> {
    const { connections, retries, hedgeAfterMs = 0 } = this.#parts;
    const callOff = new AbortController();
    const answered = new AbortController();
    const either = signal === undefined ? callOff.signal : AbortSignal.any([signal, callOff.signal]);
    const first = attemptCall(connection, outgoing, either).finally(() => {
      answered.abort();
    });
    const second = pause(hedgeAfterMs, [answered.signal, either]).then((isLate) =>
      isLate && !isAborted(this.#closing.signal) && retries.spend()
        ? attemptCall(connections.besides(connection), outgoing, either)
        : first,
    );
    const fastest = await Promise.race([first, second]);
    const outcome = fastest.ok ? fastest : await Promise.all([first, second]).then(([a, b]) => (a.ok ? a : b));
    callOff.abort();
    return outcome;
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Refuses a pause that no timer can hold. @throws SecretError `FIELD_INVALID` */
export function checkHedgeAfterMs(hedgeAfterMs: number | undefined): number | undefined {
  if (hedgeAfterMs === undefined || (hedgeAfterMs > 0 && hedgeAfterMs < 2 ** 31)) return hedgeAfterMs;
  throw SecretError.fieldInvalid([{ field: "hedge_after_ms", description: "must be above 0" }]);
}
