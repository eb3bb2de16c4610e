import { isUtf8 } from "node:buffer";
import { payloadBytes } from "../../domain/payload.js";
import { SecretError, type FieldViolation } from "../../domain/secret-error.js";
import { isVariable } from "../option-parsers.js";
import type { ReferenceValues } from "../read-references.js";
import { parseReference, type SecretReference } from "../secret-reference.js";
import { UsageError } from "../usage-error.js";

/** A variable of the program's, and the secret it holds. */
export interface Binding {
  readonly variable: string;
  readonly reference: SecretReference;
}

/**
 * Collects `--env VARIABLE=NAME` and `--env VARIABLE=NAME#field`.
 * @throws UsageError
 */
export function collectBinding(text: string, before: readonly Binding[] = []): Binding[] {
  const equals = text.indexOf("=");
  const variable = text.slice(0, Math.max(equals, 0));
  if (!isVariable(variable)) {
    throw new UsageError("--env must be VARIABLE=NAME or VARIABLE=NAME#field; a variable has letters, digits and _");
  }
  if (before.some((binding) => binding.variable === variable)) {
    throw new UsageError(`--env gives the variable ${variable} twice`);
  }
  return [...before, { variable, reference: parseReference(text.slice(equals + 1), "--env") }];
}

/** What the program inherits, by its name and what it holds. */
export type Environment = Readonly<Record<string, string>>;

const brokerPrefix = "SECRET_BROKER_";
/** The longest `NAME=value` with the byte at its end that Linux hands to a program. */
const maxVariableBytes = 131_072;

/** An environment without what is ours: where the broker is, and what proves to it who asks. */
export function withoutBrokerVariables(env: Readonly<Record<string, string | undefined>>): Environment {
  const entries = Object.entries(env).filter(([variable]) => !variable.startsWith(brokerPrefix));
  return definedOf(Object.fromEntries(entries));
}

/** An environment without variables that are not set. */
export function definedOf(env: Readonly<Record<string, string | undefined>>): Environment {
  return Object.fromEntries(Object.entries(env).flatMap(([key, text]) => (text === undefined ? [] : [[key, text]])));
}

/**
 * An environment with the values of secrets.
 * @throws SecretError `FIELD_INVALID` that names all values which no variable can hold
 */
export function childEnvironment(
  inherited: Environment,
  bindings: readonly Binding[],
  values: ReferenceValues,
): Environment {
  const env: Record<string, string> = { ...inherited };
  const violations: FieldViolation[] = [];
  for (const { variable, reference } of bindings) {
    const bytes = payloadBytes(values.payload(reference));
    const description = problemOf(bytes, variable);
    if (description === undefined) env[variable] = Buffer.from(bytes).toString("utf8");
    else violations.push({ field: variable, description });
  }
  if (violations.length > 0) throw SecretError.fieldInvalid(violations);
  return env;
}

function problemOf(bytes: Uint8Array, variable: string): string | undefined {
  const advice = 'write it to a file with "secret-broker render" instead';
  if (bytes.includes(0)) return `cannot hold a value with a zero byte: ${advice}`;
  if (!isUtf8(bytes)) return `cannot hold a value that is not UTF-8: ${advice}`;
  if (bytes.length + variable.length + 2 > maxVariableBytes) return `cannot hold a value of that length: ${advice}`;
  return undefined;
}
