import { SecretError } from "../domain/secret-error.js";

/** What a missing key's id stands under in the metadata of the failure. */
const keyIdField = "key_id";

/** A key that is not there, while what it wraps is whole. */
export function missingKey(keyId: string, cause?: unknown): SecretError {
  const message = `the encryption key "${keyId}" is not configured`;
  return new SecretError("MANAGER_UNAVAILABLE", message, { cause, metadata: { [keyIdField]: keyId } });
}

/** Whether a failure is {@link missingKey}, which trying again does not help, and not a service that is down. */
export function isMissingKey({ reason, metadata }: SecretError): boolean {
  return reason === "MANAGER_UNAVAILABLE" && keyIdField in metadata;
}
