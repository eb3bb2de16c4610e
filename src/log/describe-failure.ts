import { isSecretError } from "../domain/secret-error.js";
import { maskKnown, scrubText } from "./scrub-text.js";

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
const className = /^[A-Za-z_$][\w$]{0,63}$/;

/** `ENOENT`, `E2BIG`, `ERR_HTTP2_ERROR`, `ThrottlingException`; not what mixes digits and letters as keys do. */
const errorCode = /^(?:[A-Z][A-Za-z_]{0,63}|(?:E|[A-Z]+_)[A-Z0-9_]{1,63})$/;
const frame = /^\s+at \S.*:\d+:\d+\)?$/;

/**
 * What may be logged of anything that was thrown. Every text is scrubbed: a manager may throw our own error type too.
 * @param known payloads of the call, masked wherever they stand
 */
export function describeFailure(thrown: unknown, known: readonly string[] = [], depth = 0): DescribedFailure {
  try {
    if (thrown instanceof Error) return describeError(thrown, known, depth);
  } catch {
    // A getter or a proxy that throws when it is looked at; the log goes on without it.
  }
  return { type: typeof thrown, message: "[scrubbed]" };
}

function describeError(thrown: Error, known: readonly string[], depth: number): DescribedFailure {
  return {
    type: typeOf(thrown, known),
    message: scrubText(messageOf(thrown), known),
    code: codeOf(thrown, known),
    stack: framesOf(thrown, known),
    ...(thrown.cause !== undefined && depth < maxCauses && { cause: describeFailure(thrown.cause, known, depth + 1) }),
  };
}

function typeOf(error: Error, known: readonly string[]): string {
  const made: unknown = error.constructor;
  return typeof made === "function" && className.test(made.name) ? maskKnown(made.name, known) : "Error";
}

function messageOf(error: Error): string {
  const message: unknown = error.message;
  return typeof message === "string" ? message : "";
}

function codeOf(error: Error, known: readonly string[]): string | undefined {
  if (isSecretError(error)) return error.reason;
  const code: unknown = "code" in error ? error.code : undefined;
  return typeof code === "string" && errorCode.test(code) ? maskKnown(code, known) : undefined;
}

function framesOf(error: Error, known: readonly string[]): string[] | undefined {
  const stack: unknown = error.stack;
  if (typeof stack !== "string") return undefined;
  // The stack begins with the message, any line of which may look like a frame.
  const message = messageOf(error);
  const start = stack.includes(message) ? stack.indexOf(message) + message.length : 0;
  const frames = stack
    .slice(start)
    .split("\n")
    .filter((line) => frame.test(line));
  return frames.slice(0, maxFrames).map((line) => maskKnown(line.trim(), known));
}
