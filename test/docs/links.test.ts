import { existsSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { documents, readDocument, readProse, root } from "./markdown.js";

interface Link {
  readonly text: string;
  readonly path: string;
  readonly anchor: string;
}

const target = /\]\((?<inline>[^)\s]+)(?:\s+"[^"]*")?\)|^\[[^\]]+\]:\s+(?<reference>\S+)/gmu;

/** The links of a document that lead into this repository. */
function linksOf(document: string): readonly Link[] {
  return [
    ...readProse(document)
      .replaceAll(/`[^`\n]*`/gu, "")
      .matchAll(target),
  ]
    .map(({ groups = {} }) => groups["inline"] ?? groups["reference"] ?? "")
    .filter((text) => !/^[a-z]+:/u.test(text))
    .map((text) => {
      const [path = "", anchor = ""] = text.split("#", 2);
      return { text, path: path === "" ? document : normalize(join(dirname(document), path)), anchor };
    });
}

/** The anchors of a document, as code hosts make them of its headings. */
function anchorsOf(document: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const anchors = [...readProse(document).matchAll(/^#{1,6} (.+)$/gmu)].map(([, heading = ""]) => {
    const words = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/gu, "$1")
      .trim()
      .toLowerCase();
    const slug = words.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${String(count)}`;
  });
  return new Set(anchors);
}

function problemOf({ path, anchor }: Link): string | undefined {
  if (path.startsWith("..")) return "leads out of the repository";
  if (!existsSync(join(root, path))) return "leads to nothing";
  if (anchor === "") return undefined;
  if (statSync(join(root, path)).isDirectory() || !path.endsWith(".md")) return "has an anchor into no document";
  return anchorsOf(path).has(anchor) ? undefined : "names no heading";
}

describe("links within the repository lead somewhere", () => {
  it.each(documents)("%s", (document) => {
    const broken = linksOf(document).flatMap((link) => {
      const problem = problemOf(link);
      return problem === undefined ? [] : [`${link.text} ${problem}`];
    });
    expect(broken).toEqual([]);
  });
});

it("a document names no host of a package registry", () => {
  const hosts = /registry\.npmjs\.org|pypi\.org|proxy\.golang\.org|ghcr\.io|docker\.io/u;
  expect(documents.filter((document) => hosts.test(readDocument(document)))).toEqual([]);
});
