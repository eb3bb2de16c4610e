/** Where audit records go, as the log sees it. Called for one thing after the other. */
export interface AuditSink {
  /** What the sink is, for messages: `stdout`, or a file's path. */
  readonly description: string;
  /**
   * Writes whole lines and resolves once the operating system has them. A rejected write may have written a part.
   * @param lines at least one record, each with its end; what becomes of the bytes afterwards is the caller's affair
   */
  write(lines: Buffer): Promise<void>;
  /** Called about once a second, also while writes fail: looks after what is written. Rejects while nothing can be. */
  tend(): Promise<void>;
  /** Ends what is written and releases what the sink holds. */
  close(): Promise<void>;
}
