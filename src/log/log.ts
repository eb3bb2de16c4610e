/** What a log line may say of something: plain facts only, so that no object can carry a secret into the log. */
export type LogFact = string | number | boolean | undefined | readonly string[];

/** Writes one line at one level. */
export type LogLine = (fields: Readonly<Record<string, LogFact>>, message: string, failure?: Failure) => void;

/** A failure that goes with a line. */
export interface Failure {
  /** What was thrown; scrubbed on its way into the log. */
  readonly thrown: unknown;
  /** Payloads of the call, masked wherever the failure's text holds them; never written. */
  readonly known?: readonly string[];
}

/** What the rest of the broker knows of its log. */
export interface Log {
  readonly error: LogLine;
  readonly warn: LogLine;
  readonly info: LogLine;
  readonly debug: LogLine;
}
