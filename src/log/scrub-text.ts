const mark = "[scrubbed]";

/** What a quotation holds may be an input that failed to parse, with quotes of its own: up to the last one, then. */
const quotation = /(["'`]).*\1/gs;

/** An unfinished quotation, as of a text that was cut, up to the end. */
const openQuotation = /["`].*$/s;

/** Words that look like keys: long ones, and those that mix digits with letters. */
const longWord = /[^\s:,;()[\]{}<>]{21,}/g;
const mixedWord = /(?=[^\s:,;()[\]{}<>]*\d)(?=[^\s:,;()[\]{}<>]*[a-z])[^\s:,;()[\]{}<>]{6,}/gi;

/** The most of a foreign text a log line carries. */
const maxTextLength = 500;

/**
 * Makes a text of a manager's fit for the log: quotations and whatever looks like a key are masked.
 *
 * A guess by nature, so it errs towards masking; what it cannot see (a pass phrase of plain words) must be passed as
 * known and is masked wherever it stands.
 * @param known payloads of the call, masked first
 */
export function scrubText(text: string, known: readonly string[] = []): string {
  // Before the text is cut, as a part of a value would not be recognised.
  return maskKnown(text, known)
    .slice(0, maxTextLength * 4)
    .replace(quotation, mark)
    .replace(openQuotation, mark)
    .replace(longWord, mark)
    .replace(mixedWord, mark)
    .slice(0, maxTextLength);
}

/** Masks known values and nothing else, for a text that is ours but may hold one. */
export function maskKnown(text: string, known: readonly string[]): string {
  return known.filter(({ length }) => length > 0).reduce((rest, value) => rest.replaceAll(value, mark), text);
}
