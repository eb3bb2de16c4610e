import type { Payload } from "./payload.js";
import type { SecretName } from "./secret-name.js";

/** Labels of a secret. Plain data; keys and values are strings. */
export type Tags = Readonly<Record<string, string>>;

/** The first and the last millisecond a protobuf Timestamp can carry: the years 1 to 9999. */
const timeRangeMs = [-62_135_596_800_000, 253_402_300_799_999] as const;

/** Whether a point in time is valid and can be sent. */
export function isSendableTime(date: Date): boolean {
  const timeMs = date.getTime();
  return timeMs >= timeRangeMs[0] && timeMs <= timeRangeMs[1];
}

/** What a manager knows of an answer that is not its own. */
export interface Freshness {
  /** How long ago whoever knows gave it, in milliseconds. */
  readonly ageMs: number;
  /** Whether it is given because whoever knows could not be asked. */
  readonly isStale: boolean;
}

/** One version of a secret with its payload. */
export interface Secret {
  readonly name: SecretName;
  /** The generation; undefined when the manager keeps none. */
  readonly uid?: string | undefined;
  /** From 1 upwards within the generation; undefined when the manager keeps no versions. */
  readonly version?: number | undefined;
  readonly payload: Payload;
  readonly createTime?: Date | undefined;
  readonly expireTime?: Date | undefined;
  readonly description?: string | undefined;
  readonly tags?: Tags | undefined;
  /** Undefined where the manager itself is the one who knows. */
  readonly freshness?: Freshness | undefined;
}

/** A secret without its payload. */
export interface SecretDescription {
  readonly name: string;
  /** The generation; undefined when the manager keeps none. */
  readonly uid?: string | undefined;
  /** The version a plain read returns; undefined when the manager keeps no versions. */
  readonly activeVersion?: number | undefined;
  readonly createTime?: Date | undefined;
  readonly updateTime?: Date | undefined;
  readonly expireTime?: Date | undefined;
  readonly description?: string | undefined;
  readonly tags?: Tags | undefined;
  readonly deleteTime?: Date | undefined;
  readonly restorableUntil?: Date | undefined;
  /** The principal that last changed it. */
  readonly changedBy?: string | undefined;
}

/** What is known of one version, without its payload. */
export interface VersionDescription {
  readonly uid?: string | undefined;
  /** From 1 upwards; undefined when the manager keeps no versions. */
  readonly version?: number | undefined;
  readonly active?: boolean | undefined;
  readonly createTime?: Date | undefined;
  readonly expireTime?: Date | undefined;
  readonly destroyTime?: Date | undefined;
}
