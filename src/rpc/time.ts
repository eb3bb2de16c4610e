import type { Duration } from "../gen/google/protobuf/duration.js";
import type { Timestamp } from "../gen/google/protobuf/timestamp.js";

/** A point in time as the wire has it. */
export function timestampFromDate(date: Date): Timestamp {
  const timeMs = date.getTime();
  const seconds = Math.floor(timeMs / 1_000);
  return { seconds: BigInt(seconds), nanos: (timeMs - seconds * 1_000) * 1_000_000 };
}

/** The same where it may be missing. */
export function optionalTimestamp(date: Date | undefined): Timestamp | undefined {
  return date && timestampFromDate(date);
}

/** A point in time from the wire, to the millisecond; an invalid `Date` when it is out of JavaScript's range. */
export function dateFromTimestamp(timestamp: Timestamp): Date {
  return new Date(Number(timestamp.seconds) * 1_000 + Math.floor(timestamp.nanos / 1_000_000));
}

/** A length of time as the wire has it. */
export function durationFromMs(lengthMs: number): Duration {
  // Rounded as a whole: the nanoseconds alone could round up to a second of their own.
  const lengthNanos = Math.round(lengthMs * 1_000_000);
  const seconds = Math.trunc(lengthNanos / 1_000_000_000);
  return { seconds: BigInt(seconds), nanos: lengthNanos - seconds * 1_000_000_000 };
}

/** A length of time from the wire, in milliseconds. */
export function msFromDuration(duration: Duration): number {
  return Number(duration.seconds) * 1_000 + duration.nanos / 1_000_000;
}
