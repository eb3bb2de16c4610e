const mark = "[scrubbed]";

/** What a quotation holds may be an input that failed to parse. */
const quotation = /"[^"]*"|'[^']*'|`[^`]*`/g;

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
  const bounded = text.slice(0, maxTextLength * 4);
  const masked = known
    .filter(({ length }) => length > 0)
    .reduce((rest, value) => rest.replaceAll(value, mark), bounded);
  return masked
    .replace(quotation, mark)
    .replace(openQuotation, mark)
    .replace(longWord, mark)
    .replace(mixedWord, mark)
    .slice(0, maxTextLength);
}
