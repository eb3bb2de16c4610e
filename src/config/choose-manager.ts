import { classPathProblem } from "./class-path.js";
import type { ManagerConfig } from "./config.js";
import type { ConfigProblems } from "./config-problems.js";
import { keyManagementSystems } from "./key-management-schema.js";
import { foundText } from "./schema-message.js";
import { suggestion } from "./suggest.js";

/** What LiteLLM's part of the file says about the manager, as it stands. */
export interface SystemChoice {
  /** `general_settings.key_management_system`. */
  readonly system: unknown;
  /** `general_settings.key_management_settings.custom_secret_manager`. */
  readonly classPath: unknown;
  /** Where a user's class is. */
  readonly directory: string;
}

const systemPath = ["general_settings", "key_management_system"];
const classPathPath = ["general_settings", "key_management_settings", "custom_secret_manager"];

/** Takes the manager that `key_management_system` means; undefined, and noted, when it means none of the broker's. */
export function chooseBySystem(problems: ConfigProblems, choice: SystemChoice): ManagerConfig | undefined {
  switch (choice.system) {
    case "local":
      return { kind: "environment", prefix: "" };
    case "custom":
      return customManager(problems, choice);
    case undefined:
    case null:
      problems.refuse(systemPath, 'is missing; set it to "custom" or "local", or set secret_broker.manager');
      return undefined;
    default:
      problems.refuse(systemPath, unsupportedMessage(choice.system));
      return undefined;
  }
}

/** Only a name of LiteLLM's own list is quoted: anything else may be a secret in the wrong place. */
function unsupportedMessage(system: unknown): string {
  const fix = 'use "custom" or "local", or set secret_broker.manager';
  if (typeof system !== "string") return `must be a string${foundText(system)}; ${fix}`;
  if (keyManagementSystems.includes(system))
    return `names LiteLLM's "${system}", which the broker does not have; ${fix}`;
  return `names no key management system${suggestion(system, keyManagementSystems)}; ${fix}`;
}

function customManager(problems: ConfigProblems, { classPath, directory }: SystemChoice): ManagerConfig | undefined {
  if (classPath === undefined || classPath === null) {
    problems.refuse(classPathPath, "is missing; name your class, such as my_secret_manager.InMemorySecretManager");
  }
  // Another type is refused with the section it stands in.
  if (typeof classPath !== "string") return undefined;
  const problem = classPathProblem(classPath);
  if (problem === undefined) return { kind: "module", classPath, directory };
  problems.refuse(classPathPath, problem);
  return undefined;
}
