import type { Config, ManagerConfig } from "../config/config.js";

/** A configuration. @throws ConfigError when it has a problem */
export async function loadConfiguration(file: string): Promise<Config> {
  // Loaded only here: the other commands start faster without the YAML and schema libraries.
  const { loadConfig } = await import("../config/load-config.js");
  const { config } = await loadConfig(file);
  return config;
}

/** The manager that a configuration chooses. @throws ConfigError when it has a problem */
export async function configuredManager(file: string): Promise<ManagerConfig> {
  const { manager } = await loadConfiguration(file);
  return manager;
}
