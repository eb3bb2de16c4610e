import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { root } from "./run-tool.mjs";

/** `"22.18.0"` → `[22, 18, 0]` */
function parseVersion(text) {
  return text.split(".").map(Number);
}

function isAtLeast(version, least) {
  const differing = version.findIndex((part, index) => part !== least[index]);
  return differing === -1 || version[differing] > least[differing];
}

/**
 * Whether a version is in an `engines` range made of `^1.2.3` and `>=1.2.3` joined by `||`.
 *
 * @param {string} version such as "24.21.0"
 * @param {string} range
 * @returns {boolean}
 * @throws Error when the range holds another operator
 */
export function satisfies(version, range) {
  const actual = parseVersion(version);
  return range.split("||").some((part) => {
    const [, operator, text] = /^\s*(\^|>=)(\d+\.\d+\.\d+)\s*$/u.exec(part) ?? [];
    if (text === undefined) throw new Error(`engines.node: cannot read "${part.trim()}"`);
    const least = parseVersion(text);
    return isAtLeast(actual, least) && (operator === ">=" || actual[0] === least[0]);
  });
}

/**
 * Why this process's Node will not do, by package.json's `engines.node`; undefined when it will.
 *
 * @returns {string | undefined}
 */
export function nodeProblem() {
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  if (satisfies(process.versions.node, engines.node)) return undefined;
  return `Node ${process.versions.node} is not one of ${engines.node}; npm scripts bring the right one`;
}
