import { PassThrough } from "node:stream";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { CliOutput } from "../../src/cli/cli-output.js";
import { createProgram } from "../../src/cli/create-program.js";
import { exitCodes } from "../../src/cli/exit-codes.js";
import { run } from "../cli/run-in-process.js";
import { readTable } from "./markdown.js";

const io = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough(), env: {} };
const program = await createProgram({ io, output: new CliOutput(io), exitCode: 0 });
const shared = readTable("docs/cli.md", "Options of every command that asks a broker").map(([flags = ""]) => flags);

/** Commands that do something, by what is typed: `config check`. */
function leaves(command: Command, path: readonly string[] = []): readonly (readonly [string, Command])[] {
  if (command.commands.length === 0) return [[path.join(" "), command]];
  return command.commands.flatMap((each) => leaves(each, [...path, each.name()]));
}

function flagsOf(command: Command): readonly string[] {
  return command.options.map(({ flags }) => flags);
}

/** A command's options that are its own. */
function documented(name: string): readonly string[] {
  return readTable("docs/cli.md", name).map(([flags = ""]) => flags);
}

describe("docs/cli.md has every option", () => {
  it("of the program", () => {
    expect([...flagsOf(program), "-h, --help"].sort()).toEqual(shared.toSorted());
  });

  it.each(leaves(program))("of %s", (name, command) => {
    const own = flagsOf(command).filter((flags) => !shared.includes(flags));
    expect(documented(name)).toEqual(own);
  });
});

it("--help names every exit code", async () => {
  const { stdout } = await run(["--help"]);
  const [, listed = ""] = /Exit codes: ([\s\S]+)\.\n?$/u.exec(stdout) ?? [];
  expect([...listed.matchAll(/(?:^|, ?\s*)(\d+) /gu)].map(([, code]) => Number(code))).toEqual(
    Object.values(exitCodes),
  );
});
