import type { Caller } from "../domain/caller.js";
import { SecretError } from "../domain/secret-error.js";

/** Who asks, until when, and under which id. */
export interface CallIdentity {
  readonly caller: Caller;
  readonly requestId: string;
  /** When the caller stops waiting, in milliseconds since the epoch; Infinity for a stream that goes on. */
  readonly deadlineMs: number;
  /** The caller's W3C header `traceparent`, as it came; for managers in other processes. */
  readonly traceparent?: string | undefined;
}

/** Whether the caller is still there; a gRPC call is one. */
export interface CallerPresence {
  readonly cancelled: boolean;
  once(event: "cancelled", listener: () => void): unknown;
}

/** The longest a Node.js timer can wait. */
const maxTimerMs = 2 ** 31 - 1;

/**
 * One call on its way through the broker. Its signal, and the timer behind it, are made when somebody first asks for
 * them: a manager that answers at once costs neither.
 */
export class Call implements CallIdentity {
  readonly caller: Caller;
  readonly requestId: string;
  readonly deadlineMs: number;
  /** When it came in, as `performance.now()` tells it. */
  readonly startMs: number = performance.now();
  readonly traceparent: string | undefined;
  readonly #presence: CallerPresence | undefined;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #interruption: SecretError | undefined;
  #onInterruption: ((reason: SecretError) => void) | undefined;
  #isArmed = false;
  #ended = false;

  /** @param presence tells when the caller goes away; without it the call is nobody's but the broker's own. */
  constructor({ caller, requestId, deadlineMs, traceparent }: CallIdentity, presence?: CallerPresence) {
    this.caller = caller;
    this.requestId = requestId;
    this.deadlineMs = deadlineMs;
    this.traceparent = traceparent;
    this.#presence = presence;
  }

  /** Aborted when the caller goes away or the deadline passes; its reason is a `SecretError`. */
  get signal(): AbortSignal {
    return (this.#controller ??= this.#openController()).signal;
  }

  /**
   * Has one listener told why the call ends when the caller goes away or its time is over, at once where that is so
   * already. For one who waits for hours: a signal and what listens to it take ten times the memory.
   */
  onInterruption(listener: (reason: SecretError) => void): void {
    this.#arm();
    if (this.#interruption === undefined) this.#onInterruption = listener;
    else listener(this.#interruption);
  }

  /** @throws SecretError when the caller is gone or the deadline has passed. */
  assertLive(): void {
    if (this.#presence?.cancelled === true) this.cancel();
    else if (Date.now() >= this.deadlineMs) this.#interrupt(timedOut());
    if (this.#interruption !== undefined) throw this.#interruption;
  }

  /** Whether something thrown is this call's own end, rather than a failure of whoever worked for it. */
  isInterruption(thrown: unknown): thrown is SecretError {
    return this.#interruption !== undefined && thrown === this.#interruption;
  }

  /** The caller went away. */
  cancel(): void {
    // grpc-js reports the end of every call this way, and making an error for nobody costs more than all the rest.
    if (!this.#ended) this.#interrupt(new SecretError("CALL_CANCELLED", "the call was cancelled"));
  }

  /** The answer is on its way; nothing is interrupted any more. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  #openController(): AbortController {
    const controller = new AbortController();
    this.#arm();
    if (this.#interruption !== undefined) controller.abort(this.#interruption);
    return controller;
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#presence?.once("cancelled", () => {
      this.cancel();
    });
    if (this.#presence?.cancelled === true) this.cancel();
    // A credential is looked at when a call comes in; only a stream outlasts it.
    const { expiresAtMs = Infinity } = this.caller;
    const isStream = this.deadlineMs === Infinity;
    const lastMs = Date.now() + maxTimerMs;
    const endMs = !isStream ? this.deadlineMs : expiresAtMs > lastMs ? Infinity : expiresAtMs;
    if (this.#interruption !== undefined || endMs === Infinity) return;
    const remainingMs = Math.min(Math.max(endMs - Date.now(), 0), maxTimerMs);
    this.#timer = setTimeout(() => {
      this.#interrupt(isStream ? expired() : timedOut());
    }, remainingMs);
  }

  #interrupt(error: SecretError): void {
    if (this.#interruption !== undefined) return;
    this.#interruption = error;
    clearTimeout(this.#timer);
    this.#controller?.abort(error);
    this.#onInterruption?.(error);
  }
}

function expired(): SecretError {
  return new SecretError("CREDENTIAL_EXPIRED", "the credential has expired; connect again with another");
}

function timedOut(): SecretError {
  return new SecretError("MANAGER_TIMEOUT", "the manager did not answer before the deadline");
}
