import type { Log } from "../log/log.js";

/** How a manager is opened. */
export interface OpenManagerOptions {
  readonly log: Log;
  /** Whether a broker may have the store meanwhile; then it is only read. */
  readonly isGuest?: boolean | undefined;
  /** The largest payload the broker takes; the standard one unless given. */
  readonly maxPayloadBytes?: number | undefined;
  /** The age up to which an answer may be given while whoever knows cannot be asked, as it is now; none unless given. */
  readonly maxStaleMs?: (() => number) | undefined;
}
