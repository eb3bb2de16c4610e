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
  /** What is wrong with which setting, and the fix. Never a value that could be a secret. */
  readonly message: string;
}

/** A problem as one line: `config.yaml:4:10: secret_broker.audit.sink must be …`; without a position where it has none. */
export function formatProblem({ file, line, column, message }: ConfigProblem): string {
  const place = line === 0 ? file : `${file}:${String(line)}:${String(column)}`;
  return `${place}: ${message}`;
}

/** Problems in the order of their positions, those of each file together. */
export function sortProblems(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const files = [...new Set(problems.map(({ file }) => file))];
  const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  return files.length > 1 ? files.flatMap((file) => sorted.filter((problem) => problem.file === file)) : sorted;
}

/** A configuration that cannot be used, with every problem it has, in the order of the file. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const sorted = sortProblems(problems);
    super(sorted.map(formatProblem).join("\n"));
    this.problems = sorted;
  }
}
