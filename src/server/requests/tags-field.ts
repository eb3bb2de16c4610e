import type { Tags } from "../../domain/secret.js";
import type { FieldChecks } from "./field-checks.js";

const maxTags = 64;
const maxKeyLength = 128;
const maxValueLength = 256;

/** Takes the tags of a request: few, short, and with keys. */
export function tagsField(checks: FieldChecks, tags: ReadonlyMap<string, string>): Tags {
  if (tags.size > maxTags) checks.violate("tags", `must hold at most ${String(maxTags)} tags`);
  // Without a prototype a tag may have any key, "__proto__" too.
  const record = Object.create(null) as Record<string, string>;
  for (const [key, value] of tags) {
    if (key.length === 0 || key.length > maxKeyLength) {
      checks.violate("tags", `must have keys of 1 to ${String(maxKeyLength)} characters`);
    }
    if (value.length > maxValueLength) {
      checks.violate("tags", `must have values of at most ${String(maxValueLength)} characters`);
    }
    record[key] = value;
  }
  return record;
}

/** The same where no tags means "leave them as they are". */
export function optionalTagsField(checks: FieldChecks, tags: ReadonlyMap<string, string>): Tags | undefined {
  return tags.size === 0 ? undefined : tagsField(checks, tags);
}
