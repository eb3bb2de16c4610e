import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isMissing, pythonPath, run, titleOf } from "./peer.js";
import { root, type RunningBroker, startShippedBroker } from "./running-broker.js";

describe.skipIf(isMissing(pythonPath))(titleOf("a Python client on generated stubs", pythonPath), () => {
  const stubs = mkdtempSync(join(tmpdir(), "secret-broker-stubs-"));
  let broker: RunningBroker;

  beforeAll(async () => {
    broker = await startShippedBroker();
  });

  afterAll(async () => {
    rmSync(stubs, { recursive: true, force: true });
    expect(await broker.stop()).toBe(0);
  });

  it("reads, writes bytes, and gets reasons, deadlines and cancellations", async () => {
    const files = globSync("secretbroker/v1/*.proto", { cwd: join(root, "proto") });
    const outputs = [`--python_out=${stubs}`, `--grpc_python_out=${stubs}`];
    const generated = await run(
      pythonPath,
      ["-m", "grpc_tools.protoc", "-I.", "-I../third_party", ...outputs, ...files],
      { cwd: join(root, "proto") },
    );
    expect(generated).toMatchObject({ code: 0, stderr: "" });
    const client = join(root, "test/interop/python_client.py");
    const program = `import sys, runpy; sys.path.insert(0, ${JSON.stringify(stubs)}); sys.argv = ["client", ${JSON.stringify(broker.address)}]; runpy.run_path(${JSON.stringify(client)})`;
    const { code, stdout, stderr } = await run(pythonPath, ["-c", program]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      read: "placeholder-key",
      bytes: true,
      absent: { code: "NOT_FOUND", reason: "SECRET_NOT_FOUND", domain: "secretbroker.dev" },
      unsafe: { code: "INVALID_ARGUMENT", reason: "FIELD_INVALID", domain: "secretbroker.dev" },
      deadline: expect.objectContaining({ code: "DEADLINE_EXCEEDED" }) as unknown,
      deadlineKept: true,
      cancelled: true,
      after: "placeholder-key",
    });
  });
});
