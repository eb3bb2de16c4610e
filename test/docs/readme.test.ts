import { expect, it } from "vitest";
import { followDocument } from "./follow-document.js";
import { readDocument } from "./markdown.js";

followDocument("README.md");

it("README.md names the versions of Node.js that package.json asks for", () => {
  const { engines } = JSON.parse(readDocument("package.json")) as { engines: { node: string } };
  expect(engines.node).toBe("^22.18.0 || ^24.0.0 || >=26.0.0");
  expect(readDocument("README.md")).toContain("Node.js 22.18 or later, 24, or 26 and later");
});
