/** Who asks, as far as it was proven. */
export interface Caller {
  /** The name policy and audit know the caller by. */
  readonly principal: string;
  /** How the principal was proven. `none` is a caller on loopback or a Unix socket while no method is configured. */
  readonly provenBy: "none";
  /** Where the call came from: `127.0.0.1:4711`, or `unix` for a socket. */
  readonly peer: string;
}
