import { connect } from "node:http2";
import { Server } from "@grpc/grpc-js";
import { afterEach, describe, expect, it, vi } from "vitest";
import { startBroker } from "../../src/testkit/start-broker.js";
import { RpcCaller } from "./call-rpc.js";

const config = `
secret_broker:
  manager: { kind: memory }
  admin: { listen: "off" }
  log: { level: error }
`;

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a broker whose callers go away just when it stops", () => {
  it("comes to its end, whoever is how far", { timeout: 60_000 }, async () => {
    for (let turns = 0; turns < 40; turns += 1) {
      const broker = await startBroker({ config });
      const caller = new RpcCaller(broker.address);
      await caller.call("ListSecrets", {});
      const other = connect(`http://${broker.address}`).on("error", () => undefined);
      await new Promise((resolve) => other.once("remoteSettings", resolve));
      other.close();
      caller.close();
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      await expect(broker.stop()).resolves.toBeUndefined();
    }
  });

  it("comes to its end where grpc-js does not tell that it has", { timeout: 20_000 }, async () => {
    // As it happens once in a hundred times where the caller is another process.
    vi.spyOn(Server.prototype, "tryShutdown").mockImplementation(() => undefined);
    const broker = await startBroker({ config });
    const caller = new RpcCaller(broker.address);
    await caller.call("ListSecrets", {});
    caller.close();
    await expect(broker.stop()).resolves.toBeUndefined();
    expect(vi.mocked(Server.prototype.tryShutdown)).toHaveBeenCalled();
  });
});
