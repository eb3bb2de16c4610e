import { maxSecretNameLength, type SecretName } from "../domain/secret-name.js";
import { type Payload, payloadByteLength } from "../domain/payload.js";
import {
  type Freshness,
  isSendableTime,
  type Secret,
  type SecretDescription,
  type Tags,
  type VersionDescription,
} from "../domain/secret.js";

/** A reply that breaks the contract. Its message says which rule, and quotes nothing of the reply. */
export class InvalidReply extends Error {}

/** A reply read with suspicion: any of its members may be anything. */
export type Fields = Readonly<Record<string, unknown>>;

/** What a read was asked for, to hold the reply against. */
export interface ReadExpectation {
  readonly name: SecretName;
  readonly version?: number | undefined;
  readonly maxPayloadBytes: number;
}

/** A year: nothing that is kept longer is told as an age. */
const maxAgeMs = 31_536_000_000;

/** Whether something is an object whose members can be looked at. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

/** Takes a read's reply for a secret; undefined is confirmed absence. */
export function parseReadReply(reply: unknown, expected: ReadExpectation): Secret | undefined {
  if (reply === undefined) return undefined;
  if (typeof reply === "string" || reply instanceof Uint8Array) return bareSecret(reply, expected);
  if (!isFields(reply)) {
    throw new InvalidReply(`it must be a string, bytes, an object with a value, or undefined, not ${kindOf(reply)}`);
  }
  const versioned = parseVersion(reply);
  if (expected.version !== undefined && versioned.version !== expected.version) {
    throw new InvalidReply("it must carry the version that was asked for");
  }
  return {
    name: expected.name,
    payload: parsePayload(reply["value"], expected.maxPayloadBytes),
    ...versioned,
    description: optionalText(reply, "description"),
    tags: parseTags(reply["tags"]),
    freshness: parseFreshness(reply),
  };
}

function parseFreshness(reply: Fields): Freshness | undefined {
  const ageMs = reply["ageMs"];
  const isStale = optionalBoolean(reply, "isStale");
  if (ageMs === undefined) {
    if (isStale !== undefined) throw new InvalidReply("its isStale must come with an ageMs");
    return undefined;
  }
  if (typeof ageMs !== "number" || !(ageMs >= 0 && ageMs <= maxAgeMs)) {
    throw new InvalidReply(`its ageMs must be a number from 0 to ${String(maxAgeMs)}, not ${kindOf(ageMs)}`);
  }
  return { ageMs, isStale: isStale === true };
}

function bareSecret(value: Payload, expected: ReadExpectation): Secret {
  if (expected.version !== undefined) throw new InvalidReply("it must carry the version that was asked for");
  return { name: expected.name, payload: parsePayload(value, expected.maxPayloadBytes) };
}

function parsePayload(value: unknown, maxPayloadBytes: number): Payload {
  if (typeof value !== "string" && !(value instanceof Uint8Array)) {
    throw new InvalidReply(`its value must be a string or bytes, not ${kindOf(value)}`);
  }
  // A copy tells its true length, which the manager's own object need not.
  const payload = typeof value === "string" ? value : new Uint8Array(value);
  // Three bytes a character is the most UTF-8 needs; measuring costs only where it could matter.
  const isSmall = typeof payload === "string" && payload.length * 3 <= maxPayloadBytes;
  if (!isSmall && payloadByteLength(payload) > maxPayloadBytes) {
    throw new InvalidReply(`its value must be at most ${String(maxPayloadBytes)} bytes`);
  }
  if (typeof payload === "string" && !payload.isWellFormed()) {
    throw new InvalidReply("its value must be valid Unicode; return bytes for anything else");
  }
  return payload;
}

/** The parts of a reply that speak of a version. */
export function parseVersion(reply: Fields): VersionDescription {
  return {
    version: optionalVersion(reply, "version"),
    uid: optionalText(reply, "uid"),
    active: optionalBoolean(reply, "active"),
    createTime: optionalDate(reply, "createTime"),
    expireTime: optionalDate(reply, "expireTime"),
    destroyTime: optionalDate(reply, "destroyTime"),
  };
}

/** Takes a reply for a description of a secret; its name must be the one expected, where one is. */
export function parseDescription(reply: unknown, expectedName?: string): SecretDescription {
  if (!isFields(reply)) throw new InvalidReply(`a description must be an object, not ${kindOf(reply)}`);
  const name = reply["name"];
  if (typeof name !== "string" || name.length > maxSecretNameLength) {
    throw new InvalidReply(
      `a description's name must be a string of at most ${String(maxSecretNameLength)} characters`,
    );
  }
  if (expectedName !== undefined && name !== expectedName) {
    throw new InvalidReply("a description must carry the name that was asked for");
  }
  return {
    name,
    uid: optionalText(reply, "uid"),
    activeVersion: optionalVersion(reply, "activeVersion"),
    createTime: optionalDate(reply, "createTime"),
    updateTime: optionalDate(reply, "updateTime"),
    expireTime: optionalDate(reply, "expireTime"),
    description: optionalText(reply, "description"),
    tags: parseTags(reply["tags"]),
    deleteTime: optionalDate(reply, "deleteTime"),
    restorableUntil: optionalDate(reply, "restorableUntil"),
    changedBy: optionalText(reply, "changedBy"),
  };
}

function parseTags(tags: unknown): Tags | undefined {
  if (tags === undefined) return undefined;
  if (!isFields(tags) || Array.isArray(tags)) {
    throw new InvalidReply(`tags must be an object of strings, not ${kindOf(tags)}`);
  }
  const copy: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [key, value] of Object.entries(tags)) {
    if (typeof value !== "string") throw new InvalidReply(`tags must be an object of strings, not of ${kindOf(value)}`);
    if (!key.isWellFormed() || !value.isWellFormed()) throw new InvalidReply("tags must be valid Unicode");
    copy[key] = value;
  }
  return copy;
}

const maxTextLength = 4_096;

/** A member that is a text where it is there. */
export function optionalText(reply: Fields, member: string): string | undefined {
  const value = reply[member];
  if (value === undefined) return undefined;
  if (typeof value !== "string") throw new InvalidReply(`its ${member} must be a string, not ${kindOf(value)}`);
  if (value.length > maxTextLength || !value.isWellFormed()) {
    throw new InvalidReply(`its ${member} must be valid Unicode of at most ${String(maxTextLength)} characters`);
  }
  return value;
}

/** A member that is a point in time where it is there. */
export function optionalDate(reply: Fields, member: string): Date | undefined {
  const value = reply[member];
  if (value === undefined) return undefined;
  if (!(value instanceof Date) || !isSendableTime(value)) {
    throw new InvalidReply(`its ${member} must be a valid Date in the years 1 to 9999, not ${kindOf(value)}`);
  }
  return new Date(value);
}

function optionalVersion(reply: Fields, member: string): number | undefined {
  const value = reply[member];
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > 0xffff_ffff) {
    throw new InvalidReply(`its ${member} must be a whole number from 1 upwards, not ${kindOf(value)}`);
  }
  return value;
}

function optionalBoolean(reply: Fields, member: string): boolean | undefined {
  const value = reply[member];
  if (value === undefined || typeof value === "boolean") return value;
  throw new InvalidReply(`its ${member} must be a boolean, not ${kindOf(value)}`);
}

/** What kind of thing a value is, for a message that must not quote it. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
