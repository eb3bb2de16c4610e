import type { SecretDescription, VersionDescription } from "../domain/secret.js";
import type { DescribeSecretRequest, DescribeSecretResponse } from "../gen/secretbroker/v1/secret_broker.js";
import { decodeDescription, decodeText, decodeTime, decodeVersion, invalidReply } from "./decode-secret.js";
import { encodeText, type ManagerOptions } from "./encode-field.js";

/** Asks what is known of one secret. */
export interface DescribeRequest {
  readonly name: string;
  readonly options?: ManagerOptions | undefined;
}

/** What is known of one secret; never its payload. */
export interface DescribeAnswer extends SecretDescription {
  /** Oldest first; empty when the manager keeps no versions. */
  readonly versions: readonly VersionDescription[];
  /** When it was last changed. */
  readonly changeTime: Date | undefined;
}

/**
 * The question for the wire.
 * @throws SecretError `FIELD_INVALID` for what the wire cannot carry
 */
export function encodeDescribeRequest({ name, options }: DescribeRequest): DescribeSecretRequest {
  return { name: encodeText("name", name), options };
}

/**
 * The description from the wire.
 * @throws SecretError `MANAGER_REPLY_INVALID` when it describes another secret
 */
export function decodeDescribeAnswer(response: DescribeSecretResponse, askedName: string): DescribeAnswer {
  if (response.secret?.name !== askedName) throw invalidReply("another secret than the one asked for");
  return {
    ...decodeDescription(response.secret),
    changedBy: decodeText(response.changedBy),
    changeTime: decodeTime(response.changeTime),
    versions: response.versions.map(decodeVersion),
  };
}
