import { maxLineBytes } from "./chain-link.js";

/**
 * How long a text of a record gets, in UTF-16 code units: as long as the longest that any field may have, the id of a
 * generation that a manager tells.
 */
const maxTextLength = 4_096;

/** How many of a call's options are named; nobody needs more. */
const maxOptionKeys = 32;

/** The same for the name of an option, which no rule bounds. */
const maxOptionKeyLength = 128;

/** How many groups of a caller are named, and how long they are together. */
const maxGroups = 1_000;
const maxGroupsLength = 65_536;

/** More than a record's line ever takes, whatever its texts are, and well below what a verification takes for one. */
export const maxRecordBytes: number = maxLineBytes / 4;

/** A text as a record has it. What is longer than a record's texts get was cut, and ends with how much. */
export function boundedText(text: string, maxLength: number = maxTextLength): string {
  return text.length <= maxLength ? text : cut(text, maxLength);
}

/** The names of options as a record has them: the first 32, each of at most 128 code units and the mark of a cut. */
export function boundedOptionKeys(keys: readonly string[]): readonly string[] {
  return keys.slice(0, maxOptionKeys).map((key) => boundedText(key, maxOptionKeyLength));
}

/** Groups as a record has them, and in place of those that are too many how many they are. */
export function boundedGroups(groups: readonly string[]): readonly string[] {
  const kept: string[] = [];
  let length = 0;
  for (const group of groups) {
    const text = boundedText(group);
    length += text.length;
    if (kept.length === maxGroups || length > maxGroupsLength) {
      return [...kept, `… ${String(groups.length - kept.length)} more groups`];
    }
    kept.push(text);
  }
  return kept;
}

function cut(text: string, maxLength: number): string {
  // Half of a pair would be text that readers of JSON such as PostgreSQL refuse.
  const isPairSplit = isHighSurrogate(text.charCodeAt(maxLength - 1)) && isLowSurrogate(text.charCodeAt(maxLength));
  const keptLength = isPairSplit ? maxLength - 1 : maxLength;
  return `${text.slice(0, keptLength)}… ${String(text.length - keptLength)} more characters`;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
