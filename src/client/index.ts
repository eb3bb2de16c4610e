/**
 * A client of the secret broker.
 * @packageDocumentation
 */
export type { ActivateRequest } from "./activate-version.js";
export type {
  CheckAccessAnswer,
  CheckAccessRequest,
  ConsumerAnswer,
  FreezeAnswer,
  FreezeRequest,
  ListConsumersAnswer,
  ListConsumersRequest,
  VerifyAuditAnswer,
  VerifyAuditRequest,
} from "./administration-messages.js";
export { AdministrationClient } from "./administration-client.js";
export type { AuditStatusAnswer, BrokerStatusAnswer, CacheStatusAnswer, ManagerStatusAnswer } from "./broker-status.js";
export type { BatchReadRequest, BatchReadResult } from "./batch-read-secrets.js";
export type { CallOptions } from "./call-options.js";
export type { RetryOptions } from "./calls/retry-policy.js";
export type { ClientOptions } from "./client-options.js";
export type { CredentialFile, CredentialFunction, PemSource, TokenSource } from "./connection/credential-source.js";
export type { TlsOptions } from "./connection/tls-material.js";
export type { DestroyRequest } from "./destroy-secret.js";
export type { RestoreRequest } from "./restore-secret.js";
export type { NamedRequest } from "./rpcs/administration-rpcs.js";
export type { Keyring } from "./store/keyrings.js";
export type { KeyringVersion } from "./store/previous-versions.js";
export { openSecretStore, type OpenStoreOptions } from "./store/open-secret-store.js";
export { type GetOptions, SecretStore, type StoreAnswer, type StoreReadOptions } from "./store/secret-store.js";
export type { StoreChange, StoreListener } from "./store/store-changes.js";
export type { StoreClock } from "./store/store-clock.js";
export type { StoreOptions } from "./store/store-options.js";
export type { SecretSource, SourceWatch } from "./store/store-source.js";
export type { SyncCallOptions } from "./sync/sync-reader.js";
export {
  createReferenceResolver,
  type ReferenceOptions,
  type ReferenceSource,
  type ResolvedValue,
  ReferenceResolver,
} from "./references/reference-resolver.js";
export { SecretWatch, type WatchOptions } from "./watch/secret-watch.js";
export type { KnownVersion, WatchEvent, WatchSubscription } from "./watch/watch-events.js";
export type { DeleteAnswer, DeleteRequest } from "./delete-secret.js";
export type { DescribeAnswer, DescribeRequest } from "./describe-secret.js";
export type { JsonValue, ManagerOptions } from "./encode-field.js";
export type { ListAnswer, ListRequest } from "./list-secrets.js";
export type { Origin, ReadAnswer, ReadFound, ReadNotModified, ReadRequest } from "./read-secret.js";
export type { RotateAnswer, RotateRequest } from "./rotate-secret.js";
export { SecretBrokerClient } from "./secret-broker-client.js";
export type { DeleteKeyResult, DeleteKeysRequest, RotateKeyRequest, StoreKeyRequest } from "./virtual-keys.js";
export type { WriteRequest } from "./write-secret.js";
export type { Action } from "../domain/action.js";
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
