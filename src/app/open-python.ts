import { existsSync } from "node:fs";
import { basename, delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import type { PythonConfig } from "../config/config.js";
import type { SecretManager } from "../contract/secret-manager.js";
import { SecretError } from "../domain/secret-error.js";
import type { FoundClass } from "../managers/module/load-manager-module.js";
import type { ProcessEnd } from "../managers/remote/process/manager-process.js";
import { addressPlaceholder, type ExplainProcess } from "../managers/remote/process/process-source.js";
import type { OpenManagerOptions } from "./open-manager-options.js";
import { openSources, pickVariables, processSource, reasonWord } from "./open-remote.js";

/** The variables every interpreter wants. */
const usualVariables = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "PYTHONPATH"] as const;

/** Where an installation brings the Python package with it, as it is in a clone. */
const bundledPackage = fileURLToPath(new URL("../../clients/python/src", import.meta.url));

/** Importing a large package takes its time. */
const startTimeoutMs = 60_000;

/** How the interpreter says that the host is not there. */
const hostMissing = /No module named '?secret_broker/;

/** Opens a class in Python, in a process of its own. @throws SecretError */
export async function openPythonManager(
  { file, className }: FoundClass,
  { interpreter, environment, directory }: PythonConfig & { readonly directory: string },
  options: OpenManagerOptions,
): Promise<SecretManager> {
  let lacksHost = false;
  const command = [interpreter, "-m", "secret_broker.host", "--module", file];
  const explain = explainPython({ interpreter, className, file: basename(file), lacksHost: () => lacksHost });
  const source = processSource(
    `the Python class ${className}`,
    {
      command: [...command, "--class", className, "--listen", addressPlaceholder],
      directory,
      environment: withPackage(pickVariables([...usualVariables, ...environment])),
      explain,
      onLine: (line) => {
        lacksHost ||= hostMissing.test(line);
      },
    },
    options,
  );
  return await openSources([source], startTimeoutMs, options);
}

/** The installed package comes last, so that the one that came with the broker is the one that fits it. */
function withPackage(variables: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { PYTHONPATH: given } = variables;
  const folders = [...(existsSync(bundledPackage) ? [bundledPackage] : []), ...(given === undefined ? [] : [given])];
  return {
    ...variables,
    ...(folders.length > 0 && { PYTHONPATH: folders.join(delimiter) }),
    // What it writes must arrive before it ends.
    PYTHONUNBUFFERED: "1",
  };
}

interface PythonFacts {
  readonly interpreter: string;
  readonly className: string;
  readonly file: string;
  readonly lacksHost: () => boolean;
}

function explainPython({ interpreter, className, file, lacksHost }: PythonFacts): ExplainProcess {
  const problems: Readonly<Record<string, string>> = {
    GRPCIO_MISSING: `the interpreter "${interpreter}" lacks grpcio; run "${interpreter} -m pip install grpcio protobuf googleapis-common-protos", or set secret_broker.python.interpreter`,
    IMPORT_FAILED: `"${file}" cannot be imported; the log has the traceback`,
    CLASS_NOT_FOUND: `"${file}" has no class "${className}"`,
    NOT_A_MANAGER: `"${className}" in "${file}" is not a secret manager`,
    CONSTRUCTOR_FAILED: `the constructor of "${className}" in "${file}" failed; the log has the traceback`,
  };
  return {
    programMissing: (program) =>
      invalid(
        `"${file}" needs Python, and there is no interpreter "${program}"; install it, or set secret_broker.python.interpreter`,
      ),
    notReady: ({ reason, detail }) => {
      const problem = problems[reason] ?? `the Python host is not ready: ${reasonWord(reason)}`;
      // What is lacking is said already.
      return invalid(detail === "" || reason === "GRPCIO_MISSING" ? problem : `${problem} (${detail})`);
    },
    ended: (end) => {
      if (!lacksHost()) return endedBy(end);
      return invalid(
        `the interpreter "${interpreter}" lacks the package secret-broker, which serves "${file}"; install it from clients/python`,
      );
    },
  };
}

function endedBy({ code, signal }: ProcessEnd): SecretError {
  const how = signal === null ? `with exit code ${String(code)}` : `by ${signal}`;
  return new SecretError("MANAGER_UNAVAILABLE", `the Python host ended ${how}; the log has what it wrote`);
}

function invalid(message: string): SecretError {
  return new SecretError("CONFIG_INVALID", message);
}
