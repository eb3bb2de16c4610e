import type { SecretError } from "../domain/secret-error.js";
import type {
  DeleteVirtualKeysRequest,
  DeleteVirtualKeysResponse,
  DeleteVirtualKeysResult as WireResult,
  RotateVirtualKeyRequest,
  StoreVirtualKeyRequest,
} from "../gen/secretbroker/v1/virtual_key_broker.js";
import { fromStatusMessage } from "../rpc/decode-status.js";
import { invalidReply } from "./decode-secret.js";
import { decodeDeleteAnswer, type DeleteAnswer } from "./delete-secret.js";
import { encodeText, type ManagerOptions } from "./encode-field.js";

/** Asks to store a virtual key. */
export interface StoreKeyRequest {
  /** Together with the configured prefix the secret's name. */
  readonly alias: string;
  readonly key: string;
  /** Stored as the tag `team_id`. */
  readonly teamId?: string | undefined;
  readonly options?: ManagerOptions | undefined;
}

/** Asks to replace a virtual key. */
export interface RotateKeyRequest {
  readonly alias: string;
  /** The alias that takes over; the same unless given. */
  readonly newAlias?: string | undefined;
  readonly key: string;
  readonly options?: ManagerOptions | undefined;
}

/** Asks to delete virtual keys. */
export interface DeleteKeysRequest {
  /** 1 to 1,000. */
  readonly aliases: readonly string[];
  readonly options?: ManagerOptions | undefined;
}

/** What became of one alias. */
export type DeleteKeyResult =
  | { readonly ok: true; readonly alias: string; readonly answer: DeleteAnswer }
  | { readonly ok: false; readonly alias: string; readonly error: SecretError };

/**
 * A virtual key for the wire.
 * @throws SecretError `FIELD_INVALID` for what the wire cannot carry
 */
export function encodeStoreKeyRequest(request: StoreKeyRequest): StoreVirtualKeyRequest {
  return {
    alias: encodeText("alias", request.alias),
    key: encodeText("key", request.key),
    teamId: encodeText("team_id", request.teamId ?? ""),
    options: request.options,
  };
}

/**
 * A virtual key's replacement for the wire.
 * @throws SecretError `FIELD_INVALID` for what the wire cannot carry
 */
export function encodeRotateKeyRequest(request: RotateKeyRequest): RotateVirtualKeyRequest {
  return {
    alias: encodeText("alias", request.alias),
    newAlias: encodeText("new_alias", request.newAlias ?? ""),
    key: encodeText("key", request.key),
    options: request.options,
  };
}

/**
 * A deletion of virtual keys for the wire.
 * @throws SecretError `FIELD_INVALID` for what the wire cannot carry
 */
export function encodeDeleteKeysRequest({ aliases, options }: DeleteKeysRequest): DeleteVirtualKeysRequest {
  return { aliases: aliases.map((alias, index) => encodeText(`aliases[${String(index)}]`, alias)), options };
}

/**
 * The results of a deletion, in the order of the aliases.
 * @throws SecretError `MANAGER_REPLY_INVALID` when there is not one result for each alias
 */
export function decodeDeleteKeysAnswer(
  { results }: DeleteVirtualKeysResponse,
  aliases: readonly string[],
): DeleteKeyResult[] {
  if (results.length !== aliases.length) throw invalidReply("another number of results than there were aliases");
  return results.map(({ result }, index) => decodeResult(result, aliases[index] ?? ""));
}

function decodeResult(result: WireResult["result"], alias: string): DeleteKeyResult {
  if (result === undefined) throw invalidReply("an empty result");
  if (result.$case === "error") return { ok: false, alias, error: fromStatusMessage(result.value) };
  return { ok: true, alias, answer: decodeDeleteAnswer(result.value) };
}
