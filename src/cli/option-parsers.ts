import { UsageError } from "./usage-error.js";

const maxUint32 = 2 ** 32 - 1;

/**
 * Makes the parser of an option that takes a whole number.
 * @param least the smallest number that makes sense
 */
export function wholeNumber(option: string, least = 0): (text: string) => number {
  return (text) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= maxUint32) return value;
    throw new UsageError(`${option} must be a whole number from ${String(least)} to ${String(maxUint32)}`);
  };
}

const msByUnit: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
]);
const maxTimeoutMs = 24 * 60 * 60_000;

/**
 * Reads a length of time such as `500ms`, `10s` or `2m`, in milliseconds.
 * @throws UsageError
 */
export function parseTimeout(text: string): number {
  const timeoutMs = lengthMs(text);
  if (timeoutMs > 0 && timeoutMs <= maxTimeoutMs) return timeoutMs;
  throw new UsageError("--timeout must be a length of time of at most a day, such as 500ms, 10s or 2m");
}

/** Makes the parser of an option that takes a length of time, which may be 0. */
export function lengthOfTime(option: string): (text: string) => number {
  return (text) => {
    const value = text === "0" ? 0 : lengthMs(text);
    if (value >= 0 && value <= maxTimeoutMs) return value;
    throw new UsageError(`${option} must be a length of time of at most a day, such as 0, 500ms, 10s or 2m`);
  };
}

function lengthMs(text: string): number {
  const [, digits, unit = ""] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)$/.exec(text) ?? [];
  return Number(digits) * (msByUnit.get(unit) ?? Number.NaN);
}

/** Whether a text can be the name of an environment variable that every program can read. */
export function isVariable(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]{0,254}$/.test(text);
}

/** Makes the parser of an option that takes the name of an environment variable. */
export function parseVariable(option: string): (text: string) => string {
  return (text) => {
    if (isVariable(text)) return text;
    throw new UsageError(`${option} must be the name of an environment variable: letters, digits and _`);
  };
}

/**
 * Collects an option given as `KEY=VALUE`, any number of times; a later value replaces an earlier one.
 * @throws UsageError
 */
export function collectTag(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new UsageError("--tag must be KEY=VALUE");
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}

/** Collects an option that may be given any number of times. */
export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}
