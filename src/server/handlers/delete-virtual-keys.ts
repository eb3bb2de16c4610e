import type { VirtualKeyDeletion, VirtualKeys } from "../../broker/virtual-keys.js";
import {
  DeleteVirtualKeysRequest,
  type DeleteVirtualKeysResponse,
  type DeleteVirtualKeysResult,
} from "../../gen/secretbroker/v1/virtual_key_broker.js";
import { encodeStatus } from "../../rpc/encode-status.js";
import { FieldChecks } from "../requests/field-checks.js";
import type { UnaryRpc } from "../rpc.js";
import { wireDeletion } from "./delete-secret.js";

const maxAliases = 1_000;

/** `VirtualKeyBroker.DeleteVirtualKeys`. */
export function deleteVirtualKeys(
  virtualKeys: VirtualKeys,
): UnaryRpc<DeleteVirtualKeysRequest, DeleteVirtualKeysResponse> {
  return {
    request: DeleteVirtualKeysRequest,
    handle: async (call, request) => {
      const checks = new FieldChecks();
      const aliases = checks.list("aliases", request.aliases, maxAliases);
      checks.assertNone();
      const deletions = await virtualKeys.delete(call, aliases, request.options);
      return { results: deletions.map((deletion) => wireResult(deletion, call.requestId)) };
    },
  };
}

function wireResult(deletion: VirtualKeyDeletion, requestId: string): DeleteVirtualKeysResult {
  const { alias } = deletion;
  if ("error" in deletion) return { alias, result: { $case: "error", value: encodeStatus(deletion.error, requestId) } };
  return { alias, result: { $case: "deletion", value: wireDeletion(deletion.deletion) } };
}
