import type { SecretDescription, VersionDescription } from "../../../domain/secret.js";
import type { Timestamp } from "../../../gen/google/protobuf/timestamp.js";
import type {
  SecretDescription as WireDescription,
  VersionDescription as WireVersion,
} from "../../../gen/secretbroker/manager/v1/secret_manager.js";
import { dateFromTimestamp, optionalTimestamp } from "../../../rpc/time.js";
import { decodeTags, encodeTags } from "./payloads.js";

/** What is known of one version, for the wire. */
export function encodeVersion(version: VersionDescription): WireVersion {
  return {
    version: version.version ?? 0,
    uid: version.uid ?? "",
    active: version.active ?? false,
    createTime: optionalTimestamp(version.createTime),
    expireTime: optionalTimestamp(version.expireTime),
    destroyTime: optionalTimestamp(version.destroyTime),
  };
}

/** What is known of one version, from the wire; what is empty there is unknown. */
export function decodeVersion(version: WireVersion): VersionDescription {
  return {
    version: decodeNumber(version.version),
    uid: decodeText(version.uid),
    active: version.active,
    createTime: decodeTime(version.createTime),
    expireTime: decodeTime(version.expireTime),
    destroyTime: decodeTime(version.destroyTime),
  };
}

/** A secret without its payload, for the wire. */
export function encodeDescription(secret: SecretDescription): WireDescription {
  return {
    name: secret.name,
    uid: secret.uid ?? "",
    activeVersion: secret.activeVersion ?? 0,
    createTime: optionalTimestamp(secret.createTime),
    updateTime: optionalTimestamp(secret.updateTime),
    expireTime: optionalTimestamp(secret.expireTime),
    description: secret.description ?? "",
    tags: encodeTags(secret.tags),
    deleteTime: optionalTimestamp(secret.deleteTime),
    restorableUntil: optionalTimestamp(secret.restorableUntil),
    changedBy: secret.changedBy ?? "",
  };
}

/** A secret without its payload, from the wire. */
export function decodeDescription(secret: WireDescription): SecretDescription {
  return {
    name: secret.name,
    uid: decodeText(secret.uid),
    activeVersion: decodeNumber(secret.activeVersion),
    createTime: decodeTime(secret.createTime),
    updateTime: decodeTime(secret.updateTime),
    expireTime: decodeTime(secret.expireTime),
    description: decodeText(secret.description),
    tags: decodeTags(secret.tags),
    deleteTime: decodeTime(secret.deleteTime),
    restorableUntil: decodeTime(secret.restorableUntil),
    changedBy: decodeText(secret.changedBy),
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

function decodeNumber(version: number): number | undefined {
  return version === 0 ? undefined : version;
}
