import type { ModuleConfig } from "../config/config.js";
import type { SecretManager } from "../contract/secret-manager.js";
import { findManagerClass, loadFoundClass } from "../managers/module/load-manager-module.js";
import { registerDoors } from "../managers/module/register-doors.js";
import { doors } from "./doors.js";
import type { OpenManagerOptions } from "./open-manager-options.js";

/**
 * Opens the user's class: one in Python in a process of its own, any other in this one.
 * @throws SecretError `CONFIG_INVALID`
 */
export async function openModuleManager(
  { classPath, directory, python }: ModuleConfig,
  options: OpenManagerOptions,
): Promise<SecretManager> {
  const onNote = (note: string): void => {
    options.log.warn({ classPath }, note);
  };
  const found = await findManagerClass(classPath, directory, onNote);
  if (found.isPython) {
    const { openPythonManager } = await import("./open-python.js");
    const { interpreter = "python3", environment = [] } = python ?? {};
    return await openPythonManager(found, { interpreter, environment, directory }, options);
  }
  registerDoors(doors);
  return await loadFoundClass(found, onNote);
}
