import type { Payload } from "../domain/payload.js";
import type { Tags } from "../domain/secret.js";

/** One secret of a file that is imported. */
export interface ImportEntry {
  readonly name: string;
  readonly payload: Payload;
  readonly description?: string | undefined;
  readonly tags?: Tags | undefined;
  /** Where it stands, from 1. */
  readonly line: number;
  readonly column: number;
}

/** What is wrong at a place of a file; quotes no value. */
export interface ImportProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}
