import { SecretError } from "../../../src/domain/secret-error.js";
import type { ProcessSurroundings } from "../../../src/managers/remote/process/manager-process.js";
import type { ExplainProcess } from "../../../src/managers/remote/process/process-source.js";

/** Logs nothing. */
export const quietSurroundings: ProcessSurroundings = {
  onLine: () => undefined,
  kill: (processId, signal) => process.kill(processId, signal),
};

const failure = (): SecretError => new SecretError("MANAGER_UNAVAILABLE", "the process is over");

/** Says nothing in particular. */
export const explainNothing: ExplainProcess = { programMissing: failure, notReady: failure, ended: failure };
