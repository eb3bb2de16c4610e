import { describe, expect, it } from "vitest";
import { guides, readBlocks, readDocument } from "./markdown.js";
import { provedByCi } from "./slow-commands.js";

const commands = guides
  .flatMap(readBlocks)
  .filter(({ language }) => language === "sh" || language === "bash")
  .flatMap(({ code }) => code.split(/\n|&&/u).map((command) => command.trim()));

describe("a command that is too slow to be executed here", () => {
  it.each(provedByCi)("%s stands in a document", (command) => {
    expect(commands).toContain(command);
  });

  it.each(provedByCi)("%s is executed by .ci/run", (command) => {
    const lines = readDocument(".ci/run")
      .split("\n")
      .filter((line) => !/^\s*#/u.test(line));
    expect(lines).toContainEqual(
      expect.stringMatching(new RegExp(String.raw`(?:^|[\s(;&|"])${command}(?:$|[\s);&|"])`, "u")),
    );
  });
});
