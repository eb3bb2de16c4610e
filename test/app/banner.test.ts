import { describe, expect, it } from "vitest";
import { grpcurlLines } from "../../src/app/banner.js";
import type { Capability } from "../../src/domain/capability.js";
import { configOf } from "../config/config-text.js";

function lines(listen: string): string[] {
  const config = configOf(`
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: memory }
  listen: ${listen}
`);
  const capabilities = new Set<Capability>(["write", "delete"]);
  const facts = { managerName: "memory", capabilities, addresses: ["127.0.0.1:7"], adminAddress: undefined };
  return grpcurlLines({ config, ...facts });
}

describe("the lines to try", () => {
  it("send what the address requires", () => {
    const flag = "-H 'x-secret-broker-request: true' ";
    const bare = lines('"127.0.0.1:7"');
    const guarded = lines('{ address: "127.0.0.1:7", require_metadata: true }');
    expect(bare.every((line) => line.startsWith("grpcurl -plaintext -d "))).toBe(true);
    expect(guarded).toEqual(bare.map((line) => line.replace("-plaintext ", `-plaintext ${flag}`)));
  });
});
