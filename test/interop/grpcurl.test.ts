import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { grpcurlPath, isMissing, type Ran, run, titleOf } from "./peer.js";
import { root, type RunningBroker, startShippedBroker } from "./running-broker.js";

describe.skipIf(isMissing(grpcurlPath))(titleOf("grpcurl, through reflection alone", grpcurlPath), () => {
  let broker: RunningBroker;

  beforeAll(async () => {
    broker = await startShippedBroker();
  });

  afterAll(async () => {
    expect(await broker.stop()).toBe(0);
  });

  function grpcurl(...parameters: readonly string[]): Promise<Ran> {
    return run(grpcurlPath, ["-plaintext", ...parameters]);
  }

  async function call(method: string, request: unknown): Promise<unknown> {
    const { code, stdout, stderr } = await grpcurl("-d", JSON.stringify(request), broker.address, method);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout);
  }

  const service = "secretbroker.v1.SecretBroker";

  it("lists the services and the methods of one", async () => {
    const services = await grpcurl(broker.address, "list");
    expect(services.stdout.trim().split("\n")).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "secretbroker.v1.AdministrationBroker",
      "secretbroker.v1.SecretBroker",
      "secretbroker.v1.VirtualKeyBroker",
    ]);
    const methods = await grpcurl(broker.address, "list", service);
    expect(methods.stdout.trim().split("\n")).toHaveLength(11);
    expect(methods.stdout).toContain(`${service}.ReadSecret`);
  });

  it.each([service, `${service}.WriteSecret`, "secretbroker.v1.ReadSecretRequest", "secretbroker.v1.ServedFrom"])(
    "describes %s",
    async (symbol) => {
      const { code, stdout } = await grpcurl(broker.address, "describe", symbol);
      expect(code).toBe(0);
      expect(stdout).toContain(symbol);
    },
  );

  it("writes, reads and deletes text", async () => {
    await call(`${service}/WriteSecret`, { name: "team/KEY", text: "a value, exactly " });
    const read = await call(`${service}/ReadSecret`, { name: "team/KEY" });
    expect(read).toMatchObject({
      secret: { name: "team/KEY", text: "a value, exactly " },
      servedFrom: "SERVED_FROM_MANAGER",
    });
    expect(await call(`${service}/DeleteSecret`, { name: "team/KEY" })).toMatchObject({
      status: "DELETE_STATUS_DELETED",
    });
    expect(await call(`${service}/DeleteSecret`, { name: "team/KEY" })).toMatchObject({
      status: "DELETE_STATUS_NOT_FOUND",
    });
  });

  it("writes and reads bytes", async () => {
    const binary = Buffer.from([0xff, 0x00, 0xfe]).toString("base64");
    await call(`${service}/WriteSecret`, { name: "BYTES", binary });
    expect(await call(`${service}/ReadSecret`, { name: "BYTES" })).toMatchObject({ secret: { binary } });
  });

  it("shows why a read failed", async () => {
    const request = JSON.stringify({ name: "ABSENT" });
    const { code, stderr } = await grpcurl("-d", request, broker.address, `${service}/ReadSecret`);
    expect(code).not.toBe(0);
    expect(stderr).toContain("Code: NotFound");
    expect(stderr).toContain('"reason": "SECRET_NOT_FOUND"');
    expect(stderr).toContain('"domain": "secretbroker.dev"');
  });

  it("reads a batch in which one name is bad", async () => {
    const reads = [{ name: "OPENAI_API_KEY" }, { name: "../x" }, { name: "ABSENT" }];
    expect(await call(`${service}/BatchReadSecrets`, { reads })).toMatchObject({
      results: [{ read: { secret: { text: "placeholder-key" } } }, { error: { code: 3 } }, { error: { code: 5 } }],
    });
  });

  it("stores a virtual key under the prefix", async () => {
    await call("secretbroker.v1.VirtualKeyBroker/StoreVirtualKey", { alias: "my-key", key: "placeholder" });
    const read = await call(`${service}/ReadSecret`, { name: "litellm/my-key" });
    expect(read).toMatchObject({ secret: { text: "placeholder" } });
  });

  it("checks health, and calls over the Unix socket", async () => {
    const method = "grpc.health.v1.Health/Check";
    expect(await call(method, { service })).toEqual({ status: "SERVING" });
    const { stdout } = await grpcurl("-unix", broker.socketPath, method);
    expect(JSON.parse(stdout)).toEqual({ status: "SERVING" });
  });

  it("runs the lines a broker prints at its start as they are printed", async () => {
    const quickStart = await startShippedBroker(join(root, "examples/quickstart/config.yaml"));
    const lines = quickStart.banner().match(/^ {2}grpcurl .*$/gmu) ?? [];
    expect(lines).toHaveLength(3);
    const outputs: string[] = [];
    for (const line of lines) {
      const { code, stdout, stderr } = await run("sh", ["-c", line]);
      expect({ line, code, stderr }).toEqual({ line, code: 0, stderr: "" });
      outputs.push(stdout);
    }
    expect(outputs[1]).toContain('"text": "my-value"');
    expect(outputs[2]).toContain("DELETE_STATUS_DELETED");
    expect(await quickStart.stop()).toBe(0);
  });
});
