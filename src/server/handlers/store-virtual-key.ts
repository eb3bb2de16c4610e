import type { BrokerSettings } from "../../broker/broker-settings.js";
import type { VirtualKeys } from "../../broker/virtual-keys.js";
import { StoreVirtualKeyRequest, type StoreVirtualKeyResponse } from "../../gen/secretbroker/v1/virtual_key_broker.js";
import { FieldChecks } from "../requests/field-checks.js";
import { keyField } from "../requests/key-field.js";
import type { UnaryRpc } from "../rpc.js";
import { wireVersion } from "./wire-secret.js";

const maxTeamIdLength = 128;

/** `VirtualKeyBroker.StoreVirtualKey`. */
export function storeVirtualKey(
  virtualKeys: VirtualKeys,
  settings: () => BrokerSettings,
): UnaryRpc<StoreVirtualKeyRequest, StoreVirtualKeyResponse> {
  return {
    request: StoreVirtualKeyRequest,
    handle: async (call, request) => {
      const checks = new FieldChecks();
      const key = keyField(checks, request.key, settings().maxPayloadBytes);
      const teamId = checks.optionalText("team_id", request.teamId, maxTeamIdLength);
      checks.assertNone();
      const { alias, options } = request;
      const { name, written } = await virtualKeys.store(call, { alias, key, teamId, options });
      return { version: wireVersion(name, { ...written, active: written.active ?? true }) };
    },
  };
}
