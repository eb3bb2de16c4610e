import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program on a Node.js that says it is of another version. */
function runOn(version: string): Ended {
  const claim = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } })`;
  const imports = ["--import", `data:text/javascript,${claim}`, "--import", "./test/cli/resolve-typescript.ts"];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...imports, "src/main.ts", "--version"], {
    encoding: "utf8",
  });
  return { code: status, stdout, stderr };
}

describe("main", () => {
  it.each(["22.18.0", "24.0.0", "26.0.0", "30.1.0"])("runs on Node.js %s", (version) => {
    expect(runOn(version)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string });
  });

  it.each(["18.20.0", "20.19.0", "22.17.9", "23.11.0", "25.0.0"])("says which Node.js it needs on %s", (version) => {
    const { code, stdout, stderr } = runOn(version);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe(`secret-broker needs Node.js 22.18 or later, 24, or 26 and later; this is ${version}\n`);
  });

  it("asks for what package.json asks for", () => {
    const { engines } = JSON.parse(readFileSync("package.json", "utf8")) as { engines: { node: string } };
    expect(engines.node).toBe("^22.18.0 || ^24.0.0 || >=26.0.0");
  });
});
