import type { RetryOptions } from "./calls/retry-policy.js";
import type { TokenSource } from "./connection/credential-source.js";
import type { TlsOptions } from "./connection/tls-material.js";

/** How a client makes its calls. */
export interface ClientOptions {
  /** How long a call may take unless it says otherwise, in milliseconds; 10,000 unless given. */
  readonly timeoutMs?: number | undefined;
  /** A bearer token that proves who calls, the file it is kept in, or what gives it. */
  readonly token?: TokenSource | undefined;
  /** Encrypts the connection, which may then leave this machine; `true` checks brokers against the system's authorities. */
  readonly tls?: TlsOptions | true | undefined;
  /** How calls that may be repeated are tried again: reads, and changes with an `idempotencyId`. */
  readonly retry?: RetryOptions | undefined;
  /** Asks a read a second time when it has no answer after so many milliseconds; never unless given. */
  readonly hedgeAfterMs?: number | undefined;
}
