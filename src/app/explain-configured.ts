import type { Config } from "../config/config.js";
import { type AccessExplanation, type AccessRequest, explainAccess } from "../policy/explain-access.js";
import { brokerSettings, grantSettings } from "./broker-settings.js";

/** What a configuration decides, and why; freezes are a running broker's. */
export function explainConfigured(config: Config, request: AccessRequest): AccessExplanation {
  const { policy } = brokerSettings(config, new Map());
  return explainAccess(policy, grantSettings(config), request);
}
