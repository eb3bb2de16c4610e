import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { join } from "node:path";
import { ErrorInfo } from "../../src/gen/google/rpc/error_details.js";
import { type Ran, run } from "./peer.js";
import { root, type RunningBroker, startShippedBroker } from "./running-broker.js";

/** buf curl ends with eight times the status code. */
const exitCodeFactor = 8;
const notFound = 5;

describe.each(["grpc-v1", "grpc-v1alpha"])("buf curl, through reflection %s alone", (reflection) => {
  let broker: RunningBroker;

  beforeAll(async () => {
    broker = await startShippedBroker();
  });

  afterAll(async () => {
    expect(await broker.stop()).toBe(0);
  });

  function call(method: string, request: unknown): Promise<Ran> {
    const options = ["--protocol", "grpc", "--http2-prior-knowledge", "--reflect-protocol", reflection];
    const url = `http://${broker.address}/secretbroker.v1.SecretBroker/${method}`;
    return run(join(root, "node_modules/.bin/buf"), ["curl", ...options, "-d", JSON.stringify(request), url]);
  }

  it("writes, reads and deletes", async () => {
    expect(await call("WriteSecret", { name: "KEY", text: "value" })).toMatchObject({ code: 0 });
    const read = await call("ReadSecret", { name: "KEY" });
    expect(JSON.parse(read.stdout)).toMatchObject({ secret: { name: "KEY", text: "value" } });
    const deleted = await call("DeleteSecret", { name: "KEY" });
    expect(JSON.parse(deleted.stdout)).toMatchObject({ status: "DELETE_STATUS_DELETED" });
  });

  it("shows why a read failed", async () => {
    const { code, stderr } = await call("ReadSecret", { name: "ABSENT" });
    expect(code).toBe(exitCodeFactor * notFound);
    const [info] = (JSON.parse(stderr) as { details: [{ type: string; value: string }] }).details;
    expect(info.type).toBe("google.rpc.ErrorInfo");
    const { reason, domain } = ErrorInfo.decode(Buffer.from(info.value, "base64"));
    expect({ reason, domain }).toEqual({ reason: "SECRET_NOT_FOUND", domain: "secretbroker.dev" });
  });

  it("lists the methods", async () => {
    const options = ["--protocol", "grpc", "--http2-prior-knowledge", "--reflect-protocol", reflection];
    const { stdout } = await run(join(root, "node_modules/.bin/buf"), [
      "curl",
      ...options,
      "--list-methods",
      `http://${broker.address}`,
    ]);
    expect(stdout).toContain("secretbroker.v1.SecretBroker/WatchSecrets");
  });
});
