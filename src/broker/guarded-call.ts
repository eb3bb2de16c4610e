import type { ManagerCall } from "../contract/manager-call.js";
import type { Call } from "./call.js";

/** The caller's options, as they came. */
export type Options = Readonly<Record<string, unknown>>;

/** What a manager sees of a call: own copies, made when it looks. */
export class GuardedCall implements ManagerCall {
  readonly #call: Call;
  readonly #given: Options | undefined;
  readonly maxStalenessMs: number | undefined;
  #options: Options | undefined;

  constructor(call: Call, options: Options | undefined, maxStalenessMs: number | undefined) {
    this.#call = call;
    this.#given = options;
    this.maxStalenessMs = maxStalenessMs;
  }

  get options(): Options {
    return (this.#options ??= this.#given === undefined ? {} : structuredClone(this.#given));
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get deadline(): Date {
    return new Date(this.#call.deadlineMs);
  }

  get principal(): string {
    return this.#call.caller.principal;
  }

  get requestId(): string {
    return this.#call.requestId;
  }

  get traceparent(): string | undefined {
    return this.#call.traceparent;
  }
}

/**
 * Waits for a manager's promise, but no longer than the caller does. What arrives later is dropped.
 * @throws SecretError `MANAGER_TIMEOUT`, `CALL_CANCELLED`
 */
export function whileLive<T>(work: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const give = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) give();
    signal.addEventListener("abort", give, { once: true });
    const settle = (): void => {
      signal.removeEventListener("abort", give);
    };
    // A thenable may settle twice, throw, or answer with another one; a promise takes all of that upon itself.
    const settled = new Promise<T>((adopt) => {
      adopt(work);
    });
    settled.then(
      (value) => {
        settle();
        resolve(value);
      },
      (thrown: unknown) => {
        settle();
        // Whatever was thrown stays what it was; the guard translates it.
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
        reject(thrown);
      },
    );
  });
}
