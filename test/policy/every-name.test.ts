import { expect, it } from "vitest";
import { coverEveryName } from "../../src/policy/every-name.js";

const deep = Array.from({ length: 256 }, (_, index) => Array.from({ length: index + 1 }, () => "*").join("/"));

it.each([
  [["**"], true],
  [["a", "**"], true],
  [["**/**"], true],
  [["**/*"], true],
  [["*", "*/**"], true],
  [["*", "*/*", "**/*/*/*"], true],
  [deep, true],
  [deep.slice(1), false],
  [deep.slice(0, -1), false],
  [["*"], false],
  [["*/**"], false],
  [["**/*/*"], false],
  [["*", "*/*/**"], false],
  [["a/**"], false],
  [["**/a"], false],
  [["**/a*"], false],
  [["a*/**", "*"], false],
  [[], false],
])("%j stand for every name: %s", (patterns, isEvery) => {
  expect(coverEveryName(patterns)).toBe(isEvery);
});
