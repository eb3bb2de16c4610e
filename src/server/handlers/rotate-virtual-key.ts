import type { BrokerSettings } from "../../broker/broker-settings.js";
import type { VirtualKeys } from "../../broker/virtual-keys.js";
import {
  RotateVirtualKeyRequest,
  type RotateVirtualKeyResponse,
} from "../../gen/secretbroker/v1/virtual_key_broker.js";
import { FieldChecks } from "../requests/field-checks.js";
import { keyField } from "../requests/key-field.js";
import type { UnaryRpc } from "../rpc.js";
import { wireVersion } from "./wire-secret.js";

/** `VirtualKeyBroker.RotateVirtualKey`. */
export function rotateVirtualKey(
  virtualKeys: VirtualKeys,
  settings: () => BrokerSettings,
): UnaryRpc<RotateVirtualKeyRequest, RotateVirtualKeyResponse> {
  return {
    request: RotateVirtualKeyRequest,
    handle: async (call, { alias, newAlias, options, ...request }) => {
      const checks = new FieldChecks();
      const key = keyField(checks, request.key, settings().maxPayloadBytes);
      checks.assertNone();
      const { name, written } = await virtualKeys.rotate(call, { alias, newAlias, key, options });
      return { version: wireVersion(name, { ...written, active: written.active ?? true }) };
    },
  };
}
