import type { SecretDescription, VersionDescription } from "../../domain/secret.js";
import type { SecretMetadata } from "../../gen/secretbroker/v1/secret.js";
import { SecretBrokerService as service } from "../../gen/secretbroker/v1/secret_broker.js";
import { type ActivateRequest, encodeActivateRequest } from "../activate-version.js";
import {
  type BatchReadRequest,
  type BatchReadResult,
  decodeBatchReadAnswer,
  encodeBatchReadRequest,
} from "../batch-read-secrets.js";
import { always, defineRpc, never, type Rpc, withIdempotencyId } from "../calls/rpc.js";
import { decodeDescription, decodeVersion, invalidReply } from "../decode-secret.js";
import { decodeDeleteAnswer, type DeleteAnswer, type DeleteRequest, encodeDeleteRequest } from "../delete-secret.js";
import {
  decodeDescribeAnswer,
  type DescribeAnswer,
  type DescribeRequest,
  encodeDescribeRequest,
} from "../describe-secret.js";
import { type DestroyRequest, encodeDestroyRequest } from "../destroy-secret.js";
import { decodeListAnswer, encodeListRequest, type ListAnswer, type ListRequest } from "../list-secrets.js";
import { decodeReadAnswer, encodeReadRequest, type ReadAnswer, type ReadRequest } from "../read-secret.js";
import { encodeRestoreRequest, type RestoreRequest } from "../restore-secret.js";
import { decodeRotateAnswer, encodeRotateRequest, type RotateAnswer, type RotateRequest } from "../rotate-secret.js";
import { encodeWriteRequest, type WriteRequest } from "../write-secret.js";

/** The RPCs of `secretbroker.v1.SecretBroker` with one question and one answer. */
export interface SecretRpcs {
  readonly readSecret: Rpc<ReadRequest, ReadAnswer>;
  readonly batchReadSecrets: Rpc<BatchReadRequest, BatchReadResult[]>;
  readonly listSecrets: Rpc<ListRequest, ListAnswer>;
  readonly describeSecret: Rpc<DescribeRequest, DescribeAnswer>;
  readonly writeSecret: Rpc<WriteRequest, VersionDescription>;
  readonly activateSecretVersion: Rpc<ActivateRequest, SecretDescription>;
  readonly deleteSecret: Rpc<DeleteRequest, DeleteAnswer>;
  readonly restoreSecret: Rpc<RestoreRequest, SecretDescription>;
  readonly destroySecret: Rpc<DestroyRequest, void>;
  readonly rotateSecret: Rpc<RotateRequest, RotateAnswer>;
}

/** {@inheritDoc SecretRpcs} */
export const secretRpcs: SecretRpcs = {
  readSecret: defineRpc(service.readSecret, {
    encode: encodeReadRequest,
    decode: (response, { name }: ReadRequest) => decodeReadAnswer(response, name),
    isRepeatable: always,
  }),
  batchReadSecrets: defineRpc(service.batchReadSecrets, {
    encode: encodeBatchReadRequest,
    decode: (response, { reads }: BatchReadRequest) => decodeBatchReadAnswer(response, reads),
    isRepeatable: always,
  }),
  listSecrets: defineRpc(service.listSecrets, {
    encode: encodeListRequest,
    decode: decodeListAnswer,
    isRepeatable: always,
  }),
  describeSecret: defineRpc(service.describeSecret, {
    encode: encodeDescribeRequest,
    decode: (response, { name }: DescribeRequest) => decodeDescribeAnswer(response, name),
    isRepeatable: always,
  }),
  writeSecret: defineRpc(service.writeSecret, {
    encode: encodeWriteRequest,
    decode: ({ version }) => decodeVersion(version),
    isRepeatable: withIdempotencyId,
  }),
  activateSecretVersion: defineRpc(service.activateSecretVersion, {
    encode: encodeActivateRequest,
    decode: ({ secret }) => decodeChanged(secret),
    isRepeatable: never,
  }),
  deleteSecret: defineRpc(service.deleteSecret, {
    encode: encodeDeleteRequest,
    decode: decodeDeleteAnswer,
    isRepeatable: withIdempotencyId,
  }),
  restoreSecret: defineRpc(service.restoreSecret, {
    encode: encodeRestoreRequest,
    decode: ({ secret }) => decodeChanged(secret),
    isRepeatable: never,
  }),
  destroySecret: defineRpc(service.destroySecret, {
    encode: encodeDestroyRequest,
    decode: () => undefined,
    isRepeatable: never,
  }),
  rotateSecret: defineRpc(service.rotateSecret, {
    encode: encodeRotateRequest,
    decode: decodeRotateAnswer,
    isRepeatable: never,
  }),
};

function decodeChanged(secret: SecretMetadata | undefined): SecretDescription {
  if (secret === undefined) throw invalidReply("no secret");
  return decodeDescription(secret);
}
