import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { litellmReleases } from "./litellm-release.js";
import { isMissing, pythonPath, type Ran, run, titleOf } from "./peer.js";
import { root } from "./running-broker.js";

const folder = join(root, "clients/python");

/** Runs some of the package's own tests, on its sources, with the broker that was built here. */
async function runTests(python: string, modules: readonly string[]): Promise<Ran> {
  const parameters = ["-W", "error::ResourceWarning", "-m", "unittest", ...modules.map((name) => `tests.${name}`)];
  const variables = { PYTHONPATH: join(folder, "src"), SECRET_BROKER_NODE: process.execPath };
  return run(python, parameters, { cwd: folder, variables });
}

/** Not one of them may have been left out. */
function expectAllRan({ code, stderr }: Ran): void {
  expect(stderr).toMatch(/\nOK\n$/u);
  expect(code).toBe(0);
}

describe.skipIf(isMissing(pythonPath))(titleOf("the Python package", pythonPath), { timeout: 180_000 }, () => {
  it("has message classes that are what the .proto files say", async () => {
    expect(await run(pythonPath, [join(folder, "generate.py"), "--check"])).toMatchObject({ code: 0, stderr: "" });
  });

  it("has types that are right", async () => {
    const { code, stdout } = await run(pythonPath, ["-m", "mypy"], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("no issues found") as unknown });
  });

  it("agrees with the vectors, from threads and from an event loop", async () => {
    expectAllRan(await runTests(pythonPath, ["test_vectors"]));
  });

  it("keeps a store that a watch feeds", async () => {
    expectAllRan(await runTests(pythonPath, ["test_answers", "test_store_state", "test_client"]));
  });

  it("repeats what is safe to repeat, and nothing else", async () => {
    expectAllRan(await runTests(pythonPath, ["test_retries"]));
  });

  it("does what its README says", async () => {
    expectAllRan(await runTests(pythonPath, ["test_readme"]));
  });

  it("says which LiteLLM the plug-in needs, where there is none or one that is too old", async () => {
    expectAllRan(await runTests(pythonPath, ["test_litellm_release"]));
  });

  it("hosts managers written in Python, where LiteLLM is not installed", async () => {
    const { code, stderr } = await runTests(pythonPath, ["test_host"]);
    // The seed's own file is there only where the whole is developed.
    expect(stderr).toMatch(/\nOK(?: \(skipped=1\))?\n$/u);
    expect(code).toBe(0);
  });
});

for (const { title, version, pythonPath: python } of litellmReleases) {
  describe.skipIf(isMissing(python))(
    titleOf(`the Python package beside ${title}`, python),
    { timeout: 300_000 },
    () => {
      it("is installed beside the release it is to be tried with", async () => {
        const program = 'from importlib.metadata import version; print(version("litellm"))';
        expect(await run(python, ["-c", program])).toMatchObject({ stdout: `${version}\n` });
      });

      it("serves LiteLLM's own functions, and its hooks for virtual keys", async () => {
        expectAllRan(await runTests(python, ["test_litellm"]));
      });

      it("hosts managers that derive from LiteLLM's own class", async () => {
        expectAllRan(await runTests(python, ["test_host.TheCookbooksShapes"]));
      });
    },
  );
}
