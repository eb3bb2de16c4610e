import type { Command } from "commander";
import { ConfigError, type ConfigProblem, formatProblem } from "../config/config-error.js";
import { addOutputOptions, type CommandContext, withInherited, type OutputOptions } from "./command-context.js";
import { exitCodes } from "./exit-codes.js";

/** Declares `config check FILE` and `config schema`. */
export function addConfigCommand(program: Command, context: CommandContext): void {
  const config = program.command("config").description("check a configuration, or print its schema");
  const check = config
    .command("check")
    .description("show every problem of a configuration with its position; exits with 1 when there is one")
    .argument("<file>", "the config.yaml")
    .action((file: string, own: OutputOptions, self: Command) => checkConfig(context, file, withInherited(own, self)));
  addOutputOptions(check);
  const schema = config
    .command("schema")
    .description("print the JSON Schema of config.yaml, for editors")
    .action(() => printSchema(context));
  addOutputOptions(schema);
}

async function checkConfig(context: CommandContext, file: string, { json }: OutputOptions): Promise<void> {
  const { problems, warnings } = await findingsOf(file);
  const ok = problems.length === 0;
  if (!ok) context.exitCode = exitCodes.failed;
  const { output } = context;
  if (json) {
    await output.document({ file, ok, problems, warnings });
    return;
  }
  for (const problem of problems) await output.line(formatProblem(problem));
  for (const warning of warnings) await output.line(`${formatProblem(warning)} (warning)`);
  if (ok) await output.line(`${file}: ok`);
}

interface Findings {
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
}

async function findingsOf(file: string): Promise<Findings> {
  // Loaded only here: the other commands start faster without the YAML and schema libraries.
  const [{ loadConfig }, { tlsProblems }] = await Promise.all([
    import("../config/load-config.js"),
    import("../config/tls-files.js"),
  ]);
  try {
    const { config, warnings } = await loadConfig(file);
    return { problems: await tlsProblems(config), warnings };
  } catch (error) {
    if (error instanceof ConfigError) return { problems: error.problems, warnings: [] };
    throw error;
  }
}

async function printSchema({ output }: CommandContext): Promise<void> {
  const { configJsonSchema } = await import("../config/config-json-schema.js");
  await output.document(configJsonSchema());
}
