import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const root: string = fileURLToPath(new URL("../../", import.meta.url));

/** A fenced block of a document. */
export interface Block {
  /** Where it stands: `docs/managers.md:12`. */
  readonly place: string;
  readonly language: string;
  /** The file it is the content of, from its `title="…"`; undefined for anything but a file. */
  readonly title: string | undefined;
  /** Whether it shows what the command before it prints; `…` in it stands for anything. */
  readonly isOutput: boolean;
  /** Whether it shows a mistake: a configuration that is refused. */
  readonly isInvalid: boolean;
  readonly code: string;
}

const fence = /^(?<indent> *)```(?<language>[^\s`]*)(?<info>[^\n`]*)\n(?<code>[\s\S]*?)\n? *```$/gmu;

/** The documents whose blocks are executed. */
export const guides: readonly string[] = ["README.md", ...globSync("docs/*.md", { cwd: root }).sort()];

/** Every document a reader may follow a link from. */
export const documents: readonly string[] = globSync("**/*.md", {
  cwd: root,
  exclude: (path) => /(^|\/)(node_modules|dist|\.cache|\.git|\.venv)$/u.test(path),
}).sort();

/** A document's text. */
export function readDocument(document: string): string {
  return readFileSync(`${root}${document}`, "utf8");
}

/** A document's fenced blocks in their order. */
export function readBlocks(document: string): readonly Block[] {
  const text = readDocument(document);
  return [...text.matchAll(fence)].map(({ index, groups = {} }) => {
    const { indent = "", language = "", info = "", code = "" } = groups;
    return {
      place: `${document}:${String(text.slice(0, index).split("\n").length)}`,
      language,
      title: /\btitle="([^"]+)"/u.exec(info)?.[1],
      isOutput: /\bprints\b/u.test(info),
      isInvalid: /\binvalid\b/u.test(info),
      code: code.replaceAll(new RegExp(`^${indent}`, "gmu"), ""),
    };
  });
}

/** A document without its fenced blocks. */
export function readProse(document: string): string {
  return readDocument(document).replaceAll(fence, "");
}

/** The rows of the table under a heading, each as its cells without backticks; the head of the table left out. */
export function readTable(document: string, heading: string): readonly (readonly string[])[] {
  const section = readSection(document, heading);
  const lines = section.split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) =>
    line
      .slice(1, line.lastIndexOf("|"))
      .split(/(?<!\\)\|/u)
      .map((cell) =>
        cell
          .replaceAll("`", "")
          .replaceAll(String.raw`\|`, "|")
          .trim(),
      ),
  );
}

/** What stands under a heading, up to the next heading of any depth. */
export function readSection(document: string, heading: string): string {
  const lines = readDocument(document).split("\n");
  const start = lines.findIndex(
    (line) => /^#+ /u.test(line) && line.replace(/^#+ /u, "").replaceAll("`", "") === heading,
  );
  if (start < 0) throw new Error(`${document} has no heading "${heading}"`);
  const length = lines.slice(start + 1).findIndex((line) => /^#+ /u.test(line));
  return lines.slice(start + 1, length < 0 ? undefined : start + 1 + length).join("\n");
}
