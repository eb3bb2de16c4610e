import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { newestLiteLlm, oldestLiteLlm } from "./litellm-release.js";
import { root } from "./running-broker.js";

function read(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

describe("the releases of LiteLLM that the plug-in is tried with", () => {
  it("are those that the document names", () => {
    const { version: oldest } = oldestLiteLlm;
    const { version: newest } = newestLiteLlm;
    const text = `It takes LiteLLM ${oldest} or newer, and is tried with that and with ${newest}.`;
    expect(read("docs/litellm.md").replaceAll("\n", " ")).toContain(text);
  });

  it("begin with the one that the package and the plug-in ask for", () => {
    const { version } = oldestLiteLlm;
    expect(read("clients/python/pyproject.toml")).toContain(`"litellm>=${version}"`);
    expect(read("clients/python/src/secret_broker/litellm.py")).toContain(`needs LiteLLM ${version} or newer`);
  });
});
