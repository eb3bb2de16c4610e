/** Where audit records go. */
export interface AuditSink {
  /** What the sink is, for messages: `stdout`, or a file's path. */
  readonly description: string;
  /**
   * Writes whole lines and resolves once the operating system has them. Called again only after that.
   * A rejected write may have written a part; the sink begins the next one on a new line.
   */
  write(lines: string): Promise<void>;
  /** Releases what the sink holds. */
  close(): Promise<void>;
}
