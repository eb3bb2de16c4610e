import { isSecretError, SecretError } from "../domain/secret-error.js";
import type {
  BatchReadSecretsRequest,
  BatchReadSecretsResponse,
  BatchReadSecretsResult,
} from "../gen/secretbroker/v1/secret_broker.js";
import { fromStatusMessage } from "../rpc/decode-status.js";
import { invalidReply } from "./decode-secret.js";
import { decodeReadAnswer, encodeReadRequest, type ReadAnswer, type ReadRequest } from "./read-secret.js";

/** Asks for several secrets. */
export interface BatchReadRequest {
  /** 1 to 1,000. */
  readonly reads: readonly ReadRequest[];
  /** Whether all answers must come from one point in time. */
  readonly atomic?: boolean | undefined;
}

/** What became of one read of a batch. */
export type BatchReadResult =
  | { readonly ok: true; readonly name: string; readonly answer: ReadAnswer }
  | { readonly ok: false; readonly name: string; readonly error: SecretError };

/**
 * A batch for the wire.
 * @throws SecretError `FIELD_INVALID` that names the read
 */
export function encodeBatchReadRequest({ reads, atomic = false }: BatchReadRequest): BatchReadSecretsRequest {
  return { reads: reads.map((read, index) => inRead(index, () => encodeReadRequest(read))), atomic };
}

/**
 * The results of a batch, in the order of its reads.
 * @throws SecretError `MANAGER_REPLY_INVALID` when there is not one result for each read
 */
export function decodeBatchReadAnswer(
  { results }: BatchReadSecretsResponse,
  reads: readonly ReadRequest[],
): BatchReadResult[] {
  if (results.length !== reads.length) throw invalidReply("another number of results than there were reads");
  return results.map(({ result }, index) => decodeResult(result, reads[index]?.name ?? ""));
}

function decodeResult(result: BatchReadSecretsResult["result"], name: string): BatchReadResult {
  if (result?.$case === "error") return { ok: false, name, error: fromStatusMessage(result.value) };
  try {
    if (result === undefined) throw invalidReply("an empty result");
    return { ok: true, name, answer: decodeReadAnswer(result.value, name) };
  } catch (error) {
    if (isSecretError(error)) return { ok: false, name, error };
    throw error;
  }
}

function inRead<T>(index: number, encode: () => T): T {
  try {
    return encode();
  } catch (error) {
    if (!isSecretError(error)) throw error;
    const inBatch = error.violations.map(({ field, description }) => ({
      field: `reads[${String(index)}].${field}`,
      description,
    }));
    throw SecretError.fieldInvalid(inBatch);
  }
}
