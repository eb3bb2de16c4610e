/**
 * A client of the secret broker.
 * @packageDocumentation
 */
export type { BatchReadRequest, BatchReadResult } from "./batch-read-secrets.js";
export type { CallOptions } from "./call-options.js";
export type { DeleteAnswer, DeleteRequest } from "./delete-secret.js";
export type { DescribeAnswer, DescribeRequest } from "./describe-secret.js";
export type { JsonValue, ManagerOptions } from "./encode-field.js";
export type { ListAnswer, ListRequest } from "./list-secrets.js";
export type { Origin, ReadAnswer, ReadFound, ReadNotModified, ReadRequest } from "./read-secret.js";
export type { RotateAnswer, RotateRequest } from "./rotate-secret.js";
export { type ClientOptions, SecretBrokerClient } from "./secret-broker-client.js";
export type { DeleteKeyResult, DeleteKeysRequest, RotateKeyRequest, StoreKeyRequest } from "./virtual-keys.js";
export type { WriteRequest } from "./write-secret.js";
export type { Payload } from "../domain/payload.js";
export type { Secret, SecretDescription, Tags, VersionDescription } from "../domain/secret.js";
export {
  isSecretError,
  SecretError,
  type SecretErrorOptions,
  type SecretErrorReason,
  secretErrorReasons,
} from "../domain/secret-error.js";
export type { SecretName } from "../domain/secret-name.js";
