import type { ListQuery, ListReply } from "../../contract/secret-manager.js";
import type { SecretDescription, Tags } from "../../domain/secret.js";
import type { MemoryGeneration } from "./memory-generation.js";
import type { SortedNames } from "./sorted-names.js";

/**
 * Answers one page. The page token is the last name of the page before, so it means the same whatever is written or
 * deleted in between.
 */
export function listMemory(
  query: ListQuery,
  names: SortedNames,
  secrets: ReadonlyMap<string, MemoryGeneration>,
): ListReply {
  const wanted = Object.entries(query.tags);
  const page: SecretDescription[] = [];
  for (const name of names.walk(query.prefix, query.pageToken)) {
    const generation = secrets.get(name);
    if (generation === undefined || !carriesAll(generation.tags, wanted)) continue;
    if (page.length === query.pageSize) return { secrets: page, nextPageToken: page.at(-1)?.name };
    page.push(generation.describe(name));
  }
  return { secrets: page };
}

function carriesAll(tags: Tags | undefined, wanted: readonly (readonly [string, string])[]): boolean {
  return wanted.every(([key, value]) => tags !== undefined && Object.hasOwn(tags, key) && tags[key] === value);
}
