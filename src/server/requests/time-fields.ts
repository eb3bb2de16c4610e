import { isSendableTime } from "../../domain/secret.js";
import type { Duration } from "../../gen/google/protobuf/duration.js";
import type { Timestamp } from "../../gen/google/protobuf/timestamp.js";
import { dateFromTimestamp, msFromDuration } from "../../rpc/time.js";
import type { FieldChecks } from "./field-checks.js";

/** A length of time in milliseconds, from 0 up to a bound in seconds, where it is set. */
export function durationField(
  checks: FieldChecks,
  [field, value]: readonly [string, Duration | undefined],
  maxSeconds: number,
): number | undefined {
  if (value === undefined) return undefined;
  const lengthMs = msFromDuration(value);
  if (!(lengthMs >= 0 && lengthMs <= maxSeconds * 1_000)) {
    checks.violate(field, `must be from 0 to ${String(maxSeconds)} seconds`);
  }
  return lengthMs;
}

/** A point in time that must lie in the future, where it is set. */
export function futureField(checks: FieldChecks, field: string, value: Timestamp | undefined): Date | undefined {
  if (value === undefined) return undefined;
  const date = dateFromTimestamp(value);
  if (!isSendableTime(date) || date.getTime() <= Date.now())
    checks.violate(field, "must be a valid time in the future");
  return date;
}
