/** The ways to prove who calls. */
export const proofs = ["none", "unix_socket", "mtls", "jwt", "token", "forwarded_certificate"] as const;

/**
 * One of {@link proofs}. `none` is a caller on loopback or a Unix socket while no method is configured; `unix_socket`
 * is whoever may open a socket that is one workload's; `forwarded_certificate` is a certificate that an authenticated
 * proxy vouches for.
 */
export type Proof = (typeof proofs)[number];

/** Who asks, as far as it was proven. */
export interface Caller {
  /** The name policy and audit know the caller by. */
  readonly principal: string;
  /** The groups the proof puts the caller in, beside those the configuration does. */
  readonly groups: readonly string[];
  /** How the principal was proven. */
  readonly provenBy: Proof;
  /** Where the call came from: `127.0.0.1:4711`, or `unix` for a socket. */
  readonly peer: string;
  /** When the proof ends, in milliseconds since the epoch; undefined when it does not by itself. */
  readonly expiresAtMs?: number | undefined;
}
