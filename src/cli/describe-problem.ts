import { formatProblem } from "../config/config-error.js";
import { isSecretError } from "../domain/secret-error.js";
import { ActionError } from "./action-error.js";
import { TemplateError } from "./render/template.js";
import { UsageError } from "./usage-error.js";

/** Why something failed, as one line for commands that go on after it. */
export function describeProblem(problem: unknown): string {
  if (isSecretError(problem)) return `${problem.message} (${problem.reason})`;
  if (problem instanceof UsageError || problem instanceof ActionError) return problem.message;
  if (problem instanceof TemplateError) return problem.problems.map(formatProblem).join("; ");
  // A foreign failure's text could quote a value.
  return "unexpected failure";
}
