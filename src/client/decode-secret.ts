import type { Secret, SecretDescription, Tags, VersionDescription } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import { parseSecretName } from "../domain/secret-name.js";
import type { Timestamp } from "../gen/google/protobuf/timestamp.js";
import type { Secret as WireSecret, SecretMetadata, SecretVersion } from "../gen/secretbroker/v1/secret.js";
import { dateFromTimestamp } from "../rpc/time.js";

/**
 * A secret from the wire; binary payloads are copied, so that the bytes share no memory with other answers.
 * @throws SecretError `MANAGER_REPLY_INVALID` when it is not the secret that was asked for, or has no payload
 */
export function decodeSecret(secret: WireSecret, askedName: string): Secret {
  if (secret.name !== askedName) throw invalidReply("another secret than the one asked for");
  if (secret.payload === undefined) throw invalidReply("a secret without a payload");
  const { $case, value } = secret.payload;
  return {
    name: parseSecretName(secret.name),
    uid: decodeText(secret.uid),
    version: decodeVersionNumber(secret.version),
    payload: $case === "text" ? value : new Uint8Array(value),
    createTime: decodeTime(secret.createTime),
    expireTime: decodeTime(secret.expireTime),
    description: decodeText(secret.description),
    tags: decodeTags(secret.tags),
  };
}

/** A secret without its payload from the wire. */
export function decodeDescription(metadata: SecretMetadata): SecretDescription {
  return {
    name: metadata.name,
    uid: decodeText(metadata.uid),
    activeVersion: decodeVersionNumber(metadata.activeVersion),
    createTime: decodeTime(metadata.createTime),
    updateTime: decodeTime(metadata.updateTime),
    expireTime: decodeTime(metadata.expireTime),
    description: decodeText(metadata.description),
    tags: decodeTags(metadata.tags),
    deleteTime: decodeTime(metadata.deleteTime),
    restorableUntil: decodeTime(metadata.restorableUntil),
  };
}

/** What the wire says of one version. */
export function decodeVersion(version: SecretVersion | undefined): VersionDescription {
  if (version === undefined) return {};
  return {
    uid: decodeText(version.uid),
    version: decodeVersionNumber(version.version),
    active: version.active,
    createTime: decodeTime(version.createTime),
    expireTime: decodeTime(version.expireTime),
    destroyTime: decodeTime(version.destroyTime),
  };
}

/** A point in time from the wire, where it may be missing. */
export function decodeTime(timestamp: Timestamp | undefined): Date | undefined {
  return timestamp && dateFromTimestamp(timestamp);
}

/** Text from the wire; empty means unknown. */
export function decodeText(text: string): string | undefined {
  return text === "" ? undefined : text;
}

/** A version's number from the wire; 0 means that the manager keeps none. */
export function decodeVersionNumber(version: number): number | undefined {
  return version === 0 ? undefined : version;
}

/** A reply the contract does not allow. */
export function invalidReply(what: string): SecretError {
  return new SecretError("MANAGER_REPLY_INVALID", `the broker answered with ${what}`);
}

function decodeTags(tags: ReadonlyMap<string, string>): Tags | undefined {
  return tags.size === 0 ? undefined : Object.fromEntries(tags);
}
