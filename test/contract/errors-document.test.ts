import { readFileSync } from "node:fs";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { secretErrorReasons } from "../../src/domain/secret-error.js";
import { statusByReason } from "../../src/rpc/status-by-reason.js";

const document = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");

/** The cells of the document's one table, without its head. */
function rowsOf(markdown: string): string[][] {
  return markdown
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2)
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

describe("docs/errors.md", () => {
  const rows = rowsOf(document);

  it("lists every reason once, in the order of the list, and nothing more", () => {
    expect(rows.map(([reason]) => reason)).toEqual(secretErrorReasons.map((reason) => `\`${reason}\``));
  });

  it("says of each the code and the retry of the table on the wire", () => {
    expect(rows.map(([, code, retry]) => [code, retry])).toEqual(
      secretErrorReasons.map((reason) => [status[statusByReason[reason].code], statusByReason[reason].retry]),
    );
  });

  it("says of each in a sentence what to do", () => {
    for (const row of rows) {
      expect(row).toHaveLength(5);
      expect(row[4]).toMatch(/^[A-Z].{15,}\.$/);
    }
  });

  it("has no other table", () => {
    expect(document.match(/^\| --/gmu)).toHaveLength(1);
  });
});
