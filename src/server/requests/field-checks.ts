import { type FieldViolation, SecretError } from "../../domain/secret-error.js";
import { secretNameProblem, type SecretName } from "../../domain/secret-name.js";

/**
 * Checks the fields of one request and collects every violation, so that a caller learns them all at once.
 *
 * What a check returns may only be used after {@link FieldChecks.assertNone}.
 */
export class FieldChecks {
  readonly #violations: FieldViolation[] = [];
  readonly #path: string;

  /** @param path where the request stands in the message, such as `reads[3].`; empty for the message itself. */
  constructor(path = "") {
    this.#path = path;
  }

  /** A field that must be a safe secret name. */
  name(field: string, value: string): SecretName {
    const problem = secretNameProblem(value);
    if (problem !== undefined) this.violate(field, problem);
    return value as SecretName;
  }

  /** A field that must be a text of at most so many characters. */
  text(field: string, value: string, maxLength: number): string {
    if (value.length > maxLength) this.violate(field, `must be at most ${String(maxLength)} characters long`);
    return value;
  }

  /** The same for a field that counts as unset when it is empty. */
  optionalText(field: string, value: string, maxLength: number): string | undefined {
    return value === "" ? undefined : this.text(field, value, maxLength);
  }

  /** A field that must lie between two numbers. */
  range(field: string, value: number, [min, max]: readonly [number, number]): number {
    if (value < min || value > max) this.violate(field, `must be from ${String(min)} to ${String(max)}`);
    return value;
  }

  /** A version's number, where it is set. */
  optionalVersion(field: string, value: number | undefined): number | undefined {
    if (value === 0) this.violate(field, "must be 1 or above");
    return value;
  }

  /** A list that must not be empty or too long. */
  list<T>(field: string, values: readonly T[], maxLength: number): readonly T[] {
    if (values.length === 0 || values.length > maxLength)
      this.violate(field, `must hold 1 to ${String(maxLength)} items`);
    return values;
  }

  /** Notes that a field breaks a rule. */
  violate(field: string, description: string): void {
    this.#violations.push({ field: `${this.#path}${field}`, description });
  }

  /** @throws SecretError `FIELD_INVALID` with every violation */
  assertNone(): void {
    if (this.#violations.length > 0) throw SecretError.fieldInvalid(this.#violations);
  }
}
