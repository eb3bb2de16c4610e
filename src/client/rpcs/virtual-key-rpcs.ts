import type { VersionDescription } from "../../domain/secret.js";
import { VirtualKeyBrokerService as service } from "../../gen/secretbroker/v1/virtual_key_broker.js";
import { defineRpc, never, type Rpc } from "../calls/rpc.js";
import { decodeVersion } from "../decode-secret.js";
import {
  decodeDeleteKeysAnswer,
  type DeleteKeyResult,
  type DeleteKeysRequest,
  encodeDeleteKeysRequest,
  encodeRotateKeyRequest,
  encodeStoreKeyRequest,
  type RotateKeyRequest,
  type StoreKeyRequest,
} from "../virtual-keys.js";

/** The RPCs of `secretbroker.v1.VirtualKeyBroker`. */
export interface VirtualKeyRpcs {
  readonly storeVirtualKey: Rpc<StoreKeyRequest, VersionDescription>;
  readonly rotateVirtualKey: Rpc<RotateKeyRequest, VersionDescription>;
  readonly deleteVirtualKeys: Rpc<DeleteKeysRequest, DeleteKeyResult[]>;
}

/** {@inheritDoc VirtualKeyRpcs} */
export const virtualKeyRpcs: VirtualKeyRpcs = {
  storeVirtualKey: defineRpc(service.storeVirtualKey, {
    encode: encodeStoreKeyRequest,
    decode: ({ version }) => decodeVersion(version),
    isRepeatable: never,
  }),
  rotateVirtualKey: defineRpc(service.rotateVirtualKey, {
    encode: encodeRotateKeyRequest,
    decode: ({ version }) => decodeVersion(version),
    isRepeatable: never,
  }),
  deleteVirtualKeys: defineRpc(service.deleteVirtualKeys, {
    encode: encodeDeleteKeysRequest,
    decode: (response, { aliases }: DeleteKeysRequest) => decodeDeleteKeysAnswer(response, aliases),
    isRepeatable: never,
  }),
};
