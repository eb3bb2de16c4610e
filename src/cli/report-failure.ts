import { CommanderError } from "commander";
import { ConfigError, formatProblem } from "../config/config-error.js";
import { isSecretError, type SecretError } from "../domain/secret-error.js";
import { ActionError } from "./action-error.js";
import { adviceByReason } from "./advice-by-reason.js";
import type { CliOutput } from "./cli-output.js";
import { exitCodeByReason, exitCodes } from "./exit-codes.js";
import { TemplateError } from "./render/template.js";
import { UsageError } from "./usage-error.js";

/** How failures are shown. */
export interface ReportOptions {
  readonly json: boolean;
  /** Whether to show where in the program the failure came from. */
  readonly debug: boolean;
}

/** What is told of a failure. */
interface Report {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly advice?: string | undefined;
  readonly requestId?: string | undefined;
  readonly problems?: ConfigError["problems"] | undefined;
}

/**
 * Tells the user why a command failed and what to do, on standard error.
 * @returns the exit code
 */
export async function reportFailure(thrown: unknown, output: CliOutput, options: ReportOptions): Promise<number> {
  if (isBrokenPipe(thrown)) return exitCodes.done;
  if (thrown instanceof CommanderError && isHelp(thrown))
    return thrown.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  const report = reportOf(thrown);
  if (options.json) await output.errorDocument({ error: report });
  else for (const line of linesOf(report)) await output.note(line);
  if (options.debug) for (const line of framesOf(thrown)) await output.note(line);
  return report.code;
}

/** Whoever read the output has seen enough. */
function isBrokenPipe(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "EPIPE";
}

/** Help and the version have been printed by the time they are thrown. */
function isHelp({ exitCode, code }: CommanderError): boolean {
  return exitCode === 0 || code === "commander.help";
}

function reportOf(thrown: unknown): Report {
  if (isSecretError(thrown)) return secretReport(thrown);
  if (thrown instanceof ConfigError) return configReport(thrown);
  if (thrown instanceof TemplateError) return templateReport(thrown);
  if (thrown instanceof ActionError) return actionReport(thrown);
  if (thrown instanceof UsageError) return usageReport(thrown.message);
  if (thrown instanceof CommanderError) return usageReport(messageOf(thrown));
  // A foreign failure's text could quote a value.
  return { code: exitCodes.failed, reason: "UNEXPECTED", message: "unexpected failure", advice: "--debug shows where" };
}

function secretReport({ reason, message, metadata }: SecretError): Report {
  const advice = adviceByReason[reason];
  return { code: exitCodeByReason[reason], reason, message, advice, requestId: metadata["request_id"] };
}

function configReport({ problems }: ConfigError): Report {
  const count = problems.length === 1 ? "1 problem" : `${String(problems.length)} problems`;
  return { code: exitCodes.failed, reason: "CONFIG_INVALID", message: `the configuration has ${count}`, problems };
}

function templateReport({ message, problems }: TemplateError): Report {
  return { code: exitCodes.failed, reason: "TEMPLATE_INVALID", message, problems };
}

function actionReport({ message }: ActionError): Report {
  return { code: exitCodes.failed, reason: "ACTION_FAILED", message };
}

function usageReport(message: string): Report {
  return { code: exitCodes.usage, reason: "USAGE", message, advice: '"secret-broker --help" shows what there is' };
}

/** The parser quotes what it does not know; of an option only its name may be repeated, as a value can hang on it. */
function messageOf({ code, message }: CommanderError): string {
  const text = message.replace(/^error: /, "").replace("\n(Did", " (did");
  if (code !== "commander.unknownOption") return text;
  const [, name] = /^unknown option '(--[a-z-]{1,40})(?:=|')/.exec(text) ?? [];
  const suggestion = / \(did you mean [^)]*\)$/.exec(text)?.[0] ?? "";
  return name === undefined ? "unknown option" : `unknown option '${name}'${suggestion}`;
}

function linesOf({ reason, message, advice, requestId, problems = [] }: Report): string[] {
  return [
    ...problems.map(formatProblem),
    `secret-broker: ${message}${reason === "USAGE" ? "" : ` (${reason})`}`,
    ...(advice === undefined ? [] : [`  ${advice}`]),
    ...(requestId === undefined ? [] : [`  request id: ${requestId}`]),
  ];
}

/** Where a failure and its causes came from; their texts stay out, as they could quote a value. */
function framesOf(thrown: unknown): string[] {
  if (!(thrown instanceof Error)) return [];
  const frames = (thrown.stack ?? "").split("\n").filter((line) => /^\s+at \S.*:\d+:\d+\)?$/.test(line));
  return [thrown.name, ...frames, ...framesOf(thrown.cause)];
}
