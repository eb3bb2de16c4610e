import type { Administration } from "../../broker/administration.js";
import {
  ReloadConfigurationRequest,
  type ReloadConfigurationResponse,
} from "../../gen/secretbroker/v1/administration_broker.js";
import type { UnaryRpc } from "../rpc.js";

/** `AdministrationBroker.ReloadConfiguration`. */
export function reloadConfiguration(
  administration: Administration,
): UnaryRpc<ReloadConfigurationRequest, ReloadConfigurationResponse> {
  return {
    request: ReloadConfigurationRequest,
    handle: async (call) => ({ needsRestart: [...(await administration.reload(call))] }),
  };
}
