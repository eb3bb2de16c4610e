/** One thing that is wrong, or worth knowing, about a configuration. */
export interface ConfigProblem {
  /** The file, or the option it came from, such as `--listen`. */
  readonly file: string;
  /** From 1; 0 where there is no place in a file. */
  readonly line: number;
  /** From 1; 0 where there is no place in a file. */
  readonly column: number;
  /** The setting: `secret_broker.audit.path`. Empty for the file as a whole. */
  readonly path: string;
  /** What is wrong, and the fix. Never a value that could be a secret. */
  readonly message: string;
}

/** A problem as one line: `config.yaml:4:10: secret_broker.audit.sink: …`. */
export function formatProblem({ file, line, column, path, message }: ConfigProblem): string {
  const place = line === 0 ? file : `${file}:${String(line)}:${String(column)}`;
  return path === "" ? `${place}: ${message}` : `${place}: ${path}: ${message}`;
}

/** A configuration that cannot be used, with every problem it has, in the order of the file. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
    super(sorted.map(formatProblem).join("\n"));
    this.problems = sorted;
  }
}
