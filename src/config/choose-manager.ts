import type { BrokerSection } from "./broker-schema.js";
import type { ManagerConfig } from "./config.js";
import type { ConfigProblems } from "./config-problems.js";
import { keyManagementSystems } from "./key-management-schema.js";
import { suggestion } from "./suggest.js";
import type { SettingPath } from "./yaml-source.js";

/** What says which manager is meant. */
export interface ManagerChoice {
  /**
   * `secret_broker.manager`; wins, as LiteLLM may share the file and have a class of its own. Unknown when the section
   * is broken: then what is missing elsewhere is no problem yet.
   */
  readonly own: BrokerSection["manager"] | "unknown";
  /** `general_settings.key_management_system` as it stands. */
  readonly system: unknown;
  /** `custom_secret_manager`; undefined when it is missing or wrong. */
  readonly classPath: string | undefined;
  readonly isEverythingHosted: boolean;
  readonly directory: string;
}

const systemPath = ["general_settings", "key_management_system"];
const classPathPath = ["general_settings", "key_management_settings", "custom_secret_manager"];

/** Chooses the manager; undefined, and noted, when it is not clear which. */
export function chooseManager(problems: ConfigProblems, choice: ManagerChoice): ManagerConfig | undefined {
  const { own, directory } = choice;
  if (own === "unknown") return undefined;
  if (own === undefined) return chooseBySystem(problems, choice);
  if (own.kind !== "module") return own;
  return moduleManager(problems, { classPath: own.class, directory, path: ["secret_broker", "manager", "class"] });
}

function chooseBySystem(problems: ConfigProblems, choice: ManagerChoice): ManagerConfig | undefined {
  const { system, classPath, directory, isEverythingHosted } = choice;
  if (system === undefined || system === null) {
    problems.refuse(systemPath, 'is missing; set it to "custom" or "local", or choose secret_broker.manager');
  } else if (system === "local") {
    if (isEverythingHosted) problems.warn(systemPath, localWarning);
    return { kind: "environment", prefix: "" };
  } else if (system === "custom") {
    return moduleManager(problems, { classPath, directory, path: classPathPath });
  } else {
    problems.refuse(systemPath, unsupportedMessage(system));
  }
  return undefined;
}

const localWarning =
  '"local" serves every variable of the broker\'s own environment; set hosted_keys to the names that are meant';

function unsupportedMessage(system: unknown): string {
  const fix = 'the broker has "custom" and "local", or choose secret_broker.manager';
  if (typeof system !== "string") return `must be a string: ${fix}`;
  const isKnown = (keyManagementSystems as readonly string[]).includes(system);
  if (isKnown) return `"${system}" is not supported here; ${fix}`;
  return `"${system}" is no key management system${suggestion(system, keyManagementSystems)}; ${fix}`;
}

interface ModuleChoice {
  readonly classPath: string | undefined;
  readonly directory: string;
  readonly path: SettingPath;
}

function moduleManager(problems: ConfigProblems, choice: ModuleChoice): ManagerConfig | undefined {
  const { classPath, directory, path } = choice;
  const example = "such as my_secret_manager.InMemorySecretManager";
  if (classPath === undefined) {
    problems.refuse(path, `is missing; name your class, ${example}`);
  } else if (!/^[^.]+\.[^.]+$/.test(classPath)) {
    problems.refuse(path, `must be a file name and a class name with one dot between them, ${example}`);
  } else {
    return { kind: "module", classPath, directory };
  }
  return undefined;
}
