import { isSecretError } from "../domain/secret-error.js";
import { scrubText } from "./scrub-text.js";

/** A failure as the log shows it. */
export interface DescribedFailure {
  readonly type: string;
  readonly message: string;
  /** Our reason, or the code of a system error. */
  readonly code?: string | undefined;
  /** Where it was thrown: files and positions only. */
  readonly stack?: readonly string[] | undefined;
  readonly cause?: DescribedFailure | undefined;
}

const maxCauses = 4;
const maxFrames = 8;
const safeWord = /^[A-Za-z_$][\w$]{0,63}$/;

/**
 * What may be logged of anything that was thrown. Every text is scrubbed: a manager may throw our own error type too.
 * @param known payloads of the call, masked wherever they stand
 */
export function describeFailure(thrown: unknown, known: readonly string[] = [], depth = 0): DescribedFailure {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: "[scrubbed]" };
  return {
    type: typeOf(thrown),
    message: scrubText(messageOf(thrown), known),
    code: codeOf(thrown),
    stack: framesOf(thrown),
    ...(thrown.cause !== undefined && depth < maxCauses && { cause: describeFailure(thrown.cause, known, depth + 1) }),
  };
}

function typeOf(error: Error): string {
  const { name } = error.constructor;
  return safeWord.test(name) ? name : "Error";
}

function messageOf(error: Error): string {
  const message: unknown = error.message;
  return typeof message === "string" ? message : "";
}

function codeOf(error: Error): string | undefined {
  if (isSecretError(error)) return error.reason;
  const code: unknown = "code" in error ? error.code : undefined;
  return typeof code === "string" && safeWord.test(code) ? code : undefined;
}

function framesOf(error: Error): string[] | undefined {
  const stack: unknown = error.stack;
  if (typeof stack !== "string") return undefined;
  const frames = stack.split("\n").filter((line) => /^\s+at \S.*:\d+:\d+\)?$/.test(line));
  return frames.slice(0, maxFrames).map((line) => line.trim());
}
