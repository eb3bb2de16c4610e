/** What a manager is told about the call it works for. */
export interface ManagerCall {
  /** The caller's options, untouched; an own copy, never undefined. The reference's `optional_params`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Aborted when the caller goes away or the deadline passes; stop working then. */
  readonly signal: AbortSignal;
  /** When the caller stops waiting. The reference's `timeout`. */
  readonly deadline: Date;
  /** The principal the broker acts for; `secret-broker` for the broker's own calls. */
  readonly principal?: string | undefined;
  /** How old an answer may be, by its caller or by `cache.max_stale`, in milliseconds; 0 asks for the truth of now, undefined leaves it to the manager. */
  readonly maxStalenessMs?: number | undefined;
  /** Names the call in the broker's logs and audit records. */
  readonly requestId: string;
  /** The W3C header that names the caller's span, for managers that call others; undefined where there is none. */
  readonly traceparent?: string | undefined;
}
