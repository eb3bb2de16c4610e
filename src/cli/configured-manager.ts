import type { ManagerConfig } from "../config/config.js";

/** The manager that a configuration chooses. @throws ConfigError when it has a problem */
export async function configuredManager(file: string): Promise<ManagerConfig> {
  // Loaded only here: the other commands start faster without the YAML and schema libraries.
  const { loadConfig } = await import("../config/load-config.js");
  const { config } = await loadConfig(file);
  return config.manager;
}
