import {
  chownSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hashOfToken } from "../../src/identity/access-token.js";
import { CliProcess } from "./exec-process.js";
import { run } from "./run-in-process.js";

let folder = "";
let file = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tokens-"));
  file = join(folder, "tokens.yaml");
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function argvFor(principal: string, tokens = file): string[] {
  return ["token", "create", "--principal", principal, "--tokens", tokens];
}

describe("token create", () => {
  it("loses none of those that are made at once, and leaves nothing beside the file", { timeout: 60_000 }, async () => {
    const made = Array.from({ length: 8 }, (_, index) => new CliProcess(argvFor(`p-${String(index)}`)));
    const ends = await Promise.all(made.map(async ({ ended }) => (await ended).code));
    expect(ends).toEqual(made.map(() => 0));
    const kept = readFileSync(file, "utf8");
    for (const { stdout } of made) expect(kept).toContain(hashOfToken(stdout.trim()));
    expect(readdirSync(folder)).toEqual(["tokens.yaml"]);
  });

  it("goes through a link to the file", async () => {
    const link = join(folder, "link.yaml");
    writeFileSync(file, "tokens: []\n");
    symlinkSync(file, link);
    const { code, stdout } = await run(argvFor("p", link));
    expect(code).toBe(0);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(file, "utf8")).toContain(hashOfToken(stdout.trim()));
  });

  it.skipIf(process.getuid?.() !== 0)("leaves the file to its owner when another user makes it", async () => {
    writeFileSync(file, "tokens: []\n");
    chownSync(file, 1_234, 1_234);
    expect((await run(argvFor("p"))).code).toBe(0);
    expect(statSync(file)).toMatchObject({ uid: 1_234, gid: 1_234 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("says why a file cannot be changed, and shows no token then", async () => {
    const { code, stdout, stderr } = await run(argvFor("p", join(folder, "missing", "tokens.yaml")));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("tokens.yaml cannot be written (ENOENT)");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("leaves a file alone that is none of tokens", async () => {
    writeFileSync(file, "policies: []\n");
    const { code, stdout, stderr } = await run(argvFor("p"));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/tokens\.yaml:1:1/u);
    expect(readFileSync(file, "utf8")).toBe("policies: []\n");
    expect(readdirSync(folder)).toEqual(["tokens.yaml"]);
  });
});
