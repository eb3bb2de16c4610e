import type { SecretDescription, Tags } from "../domain/secret.js";
import type { ListSecretsRequest, ListSecretsResponse } from "../gen/secretbroker/v1/secret_broker.js";
import { decodeDescription, decodeText } from "./decode-secret.js";
import { encodeTags, encodeText, encodeUint32, type ManagerOptions } from "./encode-field.js";

/** Asks for a page of secrets. */
export interface ListRequest {
  /** Only names that begin with this. */
  readonly prefix?: string | undefined;
  /** Only secrets that carry all these tags with these values. */
  readonly tags?: Tags | undefined;
  /** Whether deleted secrets that can be restored are listed too. */
  readonly showDeleted?: boolean | undefined;
  /** The most secrets to answer with, 1 to 1,000; 100 unless given. */
  readonly pageSize?: number | undefined;
  /** The `nextPageToken` of the page before. */
  readonly pageToken?: string | undefined;
  readonly options?: ManagerOptions | undefined;
}

/** A page of secrets in the order of their names, never with payloads. */
export interface ListAnswer {
  readonly secrets: readonly SecretDescription[];
  /** What to ask the next page with; undefined on the last. */
  readonly nextPageToken: string | undefined;
}

/**
 * A list query for the wire.
 * @throws SecretError `FIELD_INVALID` for what the wire cannot carry
 */
export function encodeListRequest(request: ListRequest): ListSecretsRequest {
  return {
    prefix: encodeText("prefix", request.prefix ?? ""),
    tags: encodeTags(request.tags),
    showDeleted: request.showDeleted ?? false,
    pageSize: encodeUint32("page_size", request.pageSize ?? 0),
    pageToken: encodeText("page_token", request.pageToken ?? ""),
    options: request.options,
  };
}

/** A page from the wire. */
export function decodeListAnswer({ secrets, nextPageToken }: ListSecretsResponse): ListAnswer {
  return { secrets: secrets.map(decodeDescription), nextPageToken: decodeText(nextPageToken) };
}
