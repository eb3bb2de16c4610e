/**
 * What a secret manager is: everything a class of your own needs, and nothing else.
 * @packageDocumentation
 */
export { CustomSecretManager } from "./custom-secret-manager.js";
export type { ManagerCall } from "./manager-call.js";
export { shownCapabilities } from "./shown-capabilities.js";
export type {
  Awaitable,
  BatchRead,
  BatchReadReply,
  DeleteOptions,
  DeleteReply,
  DescribeReply,
  ListQuery,
  ListReply,
  ReadReply,
  RotateOptions,
  RotateReply,
  SecretManager,
  Supports,
  WatchEvent,
  WriteOptions,
  WriteReply,
} from "./secret-manager.js";
export type { Payload } from "../domain/payload.js";
export type { SecretDescription, Tags, VersionDescription } from "../domain/secret.js";
export { SecretError, isSecretError, type SecretErrorOptions, type SecretErrorReason } from "../domain/secret-error.js";
