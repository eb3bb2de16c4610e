import type { ConfigProblem } from "../config/config-error.js";

/** A problem as editors and people read it: `file:line:column: message`. */
export function formatProblem({ file, line, column, message }: ConfigProblem): string {
  return `${file}:${String(line)}:${String(column)}: ${message}`;
}
