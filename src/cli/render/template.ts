import type { ConfigProblem } from "../../config/config-error.js";
import type { SecretReference } from "../secret-reference.js";

/** What a template can do to a value, in the order it is written. */
export const filterNames = ["json", "base64", "shell"] as const;

/** One of {@link filterNames}. */
export type FilterName = (typeof filterNames)[number];

/** Where something stands in a template; from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A piece of a template: text as it is, or a secret in its place. */
export type TemplatePart =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "secret";
      readonly reference: SecretReference;
      readonly filters: readonly FilterName[];
      readonly place: Place;
    };

/** A template that was read. */
export interface Template {
  readonly file: string;
  readonly parts: readonly TemplatePart[];
}

/** The secrets of a template. */
export function referencesOf({ parts }: Template): SecretReference[] {
  return parts.flatMap((part) => (part.kind === "secret" ? [part.reference] : []));
}

/** Everything that is wrong with templates, in the order it stands there. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super("the templates cannot be rendered");
    this.problems = problems;
  }
}

/** A problem at a place of a template. */
export function templateProblem(file: string, place: Place, message: string): ConfigProblem {
  return { file, ...place, path: "", message };
}
