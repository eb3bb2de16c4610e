import type { Log } from "../log/log.js";
import { scrubText } from "../log/scrub-text.js";
import { LineBudget } from "../managers/remote/process/line-budget.js";

/** How many lines of a process go into the log in each span of time. */
const lines = { max: 200, spanMs: 10_000 } as const;

/** Where in a program something was thrown: a file, a line and a function, which hold no values. */
const pythonFrame = /^ {2}File "(?<file>[^"]{1,300})", line (?<line>\d{1,9})(?:, in (?<name>[\w<>.]{1,100}))?$/;
const nodeFrame =
  /^\s+at (?:[\w$.<> ]{1,120} \()?(?:file:\/\/)?(?<file>\/[^\s():]{1,300}):(?<line>\d{1,9}):\d{1,9}\)?$/;

/**
 * What a manager's process writes goes into the log line by line, scrubbed as everything of a manager's is, and bounded.
 * @param instance which process it is
 */
export function logLines(log: Log, instance: string): (line: string) => void {
  const budget = new LineBudget(lines);
  return (line) => {
    const { passes, leftOut } = budget.take();
    if (!passes) return;
    if (leftOut > 0) log.warn({ instance, lines: leftOut }, "the manager's process wrote more than is logged");
    log.info({ instance, line: describeLine(line) }, "the manager's process writes");
  };
}

/** A line as the log shows it: where something was thrown as it stands, everything else scrubbed. */
export function describeLine(line: string): string {
  const { file, line: number = "", name } = (pythonFrame.exec(line) ?? nodeFrame.exec(line))?.groups ?? {};
  if (file === undefined) return scrubText(messageOf(line) ?? line);
  return `at ${file}:${number}${name === undefined ? "" : ` in ${name}`}`;
}

/** The message of a line of JSON, as logs of ours and of many others are. */
function messageOf(line: string): string | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const logged: unknown = JSON.parse(line);
    const message: unknown = Reflect.get(Object(logged) as object, "msg");
    return typeof message === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}
