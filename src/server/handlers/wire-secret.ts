import type { SecretDescription as DomainDescription, Secret as DomainSecret, Tags } from "../../domain/secret.js";
import type { VersionDescription } from "../../domain/secret.js";
import type { Secret, SecretMetadata, SecretVersion } from "../../gen/secretbroker/v1/secret.js";
import { optionalTimestamp } from "../../rpc/time.js";

/** A secret with its payload as the wire has it. */
export function wireSecret(secret: DomainSecret): Secret {
  const { payload } = secret;
  return {
    ...wireHeader(secret),
    payload:
      typeof payload === "string" ? { $case: "text", value: payload } : { $case: "binary", value: toBuffer(payload) },
    description: secret.description ?? "",
    tags: wireTags(secret.tags),
  };
}

/** The same without what a caller that has it needs not get again. */
export function wireUnmodified(secret: DomainSecret): Secret {
  return { ...wireHeader(secret), payload: undefined, description: "", tags: new Map() };
}

function wireHeader({
  name,
  uid,
  version,
  createTime,
  expireTime,
}: DomainSecret): Omit<Secret, "payload" | "description" | "tags"> {
  return {
    name,
    uid: uid ?? "",
    version: version ?? 0,
    createTime: optionalTimestamp(createTime),
    expireTime: optionalTimestamp(expireTime),
  };
}

/** A secret without its payload as the wire has it. */
export function wireMetadata(described: DomainDescription): SecretMetadata {
  return {
    name: described.name,
    uid: described.uid ?? "",
    activeVersion: described.activeVersion ?? 0,
    createTime: optionalTimestamp(described.createTime),
    updateTime: optionalTimestamp(described.updateTime),
    expireTime: optionalTimestamp(described.expireTime),
    description: described.description ?? "",
    tags: wireTags(described.tags),
    deleteTime: optionalTimestamp(described.deleteTime),
    restorableUntil: optionalTimestamp(described.restorableUntil),
  };
}

/** A version without its payload as the wire has it. */
export function wireVersion(name: string, described: VersionDescription): SecretVersion {
  return {
    name,
    uid: described.uid ?? "",
    version: described.version ?? 0,
    active: described.active ?? false,
    createTime: optionalTimestamp(described.createTime),
    expireTime: optionalTimestamp(described.expireTime),
    destroyTime: optionalTimestamp(described.destroyTime),
  };
}

function wireTags(tags: Tags | undefined): Map<string, string> {
  return new Map(tags === undefined ? [] : Object.entries(tags));
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
