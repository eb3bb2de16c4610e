import { type DestinationStream, pino } from "pino";
import { describeFailure } from "./describe-failure.js";
import type { Log, LogLine } from "./log.js";

/** A log whose level can change while it is in use. */
export interface AdjustableLog extends Log {
  /** Takes one of pino's levels. */
  setLevel(level: string): void;
}

/**
 * Makes the broker's log: JSON lines of plain facts, failures scrubbed, no host name, no environment.
 * @param destination where lines go; standard error when left out, as standard output belongs to audit and answers
 */
export function createLog(level: string, destination?: DestinationStream): AdjustableLog {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // A described failure is plain facts; pino's own way would take it for an error and lose its type and causes.
      serializers: { err: (described: unknown) => described },
      formatters: { level: (label) => ({ level: label }) },
    },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
  const line =
    (name: keyof Log): LogLine =>
    (facts, message, failure) => {
      if (!logger.isLevelEnabled(name)) return;
      const err = failure && describeFailure(failure.thrown, failure.known);
      logger[name](err ? { ...facts, err } : facts, message);
    };
  return {
    error: line("error"),
    warn: line("warn"),
    info: line("info"),
    debug: line("debug"),
    setLevel: (next) => {
      logger.level = next;
    },
  };
}
