import { isUtf8 } from "node:buffer";
import type { ConfigProblem } from "../../config/config-error.js";
import { payloadBytes } from "../../domain/payload.js";
import type { ReferenceValues } from "../read-references.js";
import { type FilterName, type Template, TemplateError, templateProblem } from "./template.js";

/** A rule of a filter that a value breaks. */
class UnfitValue extends Error {
  override readonly name = "UnfitValue";
}

/** Bytes → what a filter makes of them. */
const filters: Readonly<Record<FilterName, (bytes: Uint8Array) => string>> = {
  json: (bytes) => JSON.stringify(textOf(bytes, "json")),
  base64: (bytes) => Buffer.from(bytes).toString("base64"),
  shell: (bytes) => {
    const text = textOf(bytes, "shell");
    if (text.includes("\0")) throw new UnfitValue("the value has a zero byte, which no shell can hold; use base64");
    return `'${text.replaceAll("'", String.raw`'\''`)}'`;
  },
};

/**
 * Puts values into a template; without a filter they are there byte for byte.
 * @throws TemplateError with the place of each value that a filter cannot take
 */
export function renderTemplate({ file, parts }: Template, values: ReferenceValues): Buffer {
  const problems: ConfigProblem[] = [];
  const pieces = parts.map((part) => {
    if (part.kind === "text") return Buffer.from(part.text);
    try {
      const bytes = payloadBytes(values.payload(part.reference));
      return part.filters.reduce<Uint8Array>((before, filter) => Buffer.from(filters[filter](before)), bytes);
    } catch (error) {
      if (!(error instanceof UnfitValue)) throw error;
      problems.push(templateProblem(file, part.place, error.message));
      return Buffer.of();
    }
  });
  if (problems.length > 0) throw new TemplateError(problems);
  return Buffer.concat(pieces);
}

function textOf(bytes: Uint8Array, filter: FilterName): string {
  if (isUtf8(bytes)) return Buffer.from(bytes).toString("utf8");
  throw new UnfitValue(`the value is not UTF-8, so that ${filter} cannot hold it; use base64`);
}
