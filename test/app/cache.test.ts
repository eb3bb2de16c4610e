import { status } from "@grpc/grpc-js";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ErrorInfo, RetryInfo } from "../../src/gen/google/rpc/error_details.js";
import { Status } from "../../src/gen/google/rpc/status.js";
import type { BatchReadSecretsResponse, ReadSecretResponse } from "../../src/gen/secretbroker/v1/secret_broker.js";
import { ServedFrom } from "../../src/gen/secretbroker/v1/secret.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { RpcCaller } from "./call-rpc.js";

// Fails as long as a file lies beside it.
const fragile = `
import { existsSync } from "node:fs";
const down = new URL("down", import.meta.url);
export class Fragile {
  supports = { sharedReads: true };
  readSecret(name) {
    if (existsSync(down)) throw new Error("down");
    return name === "ABSENT" ? undefined : "value of " + name;
  }
}
`;
const config = (cache: string, breaker = ""): string => `
general_settings:
  key_management_system: custom
  key_management_settings: { custom_secret_manager: fragile.Fragile }
secret_broker:
  admin: { listen: "127.0.0.1:0" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  cache: ${cache}
  ${breaker}
`;

const never = { seconds: 0n, nanos: 0 };

describe("a broker that keeps answers, over the wire", () => {
  let broker: TestBroker;
  let caller: RpcCaller;

  beforeEach(async () => {
    broker = await startBroker({
      config: config("{ ttl: 1h, max_stale: 2h }", "breaker: { failures: 2, open_for: 1h }"),
      files: { "fragile.mjs": fragile },
    });
    caller = new RpcCaller(broker.address);
  });

  afterEach(async () => {
    caller.close();
    await broker.stop();
  });

  const read = async (request: object): Promise<ReadSecretResponse> =>
    (await caller.call("ReadSecret", request)).response as ReadSecretResponse;
  const fail = (isDown: boolean): void => {
    if (isDown) writeFileSync(join(broker.directory, "down"), "");
    else rmSync(join(broker.directory, "down"), { force: true });
  };

  it("says where each answer came from and how old it is, in batches too, and records each", async () => {
    expect(await read({ name: "A" })).toMatchObject({ servedFrom: ServedFrom.MANAGER, age: undefined });
    const again = await read({ name: "A" });
    expect(again).toMatchObject({ servedFrom: ServedFrom.CACHE, secret: { payload: { value: "value of A" } } });
    expect(again.age).toBeDefined();
    expect(await read({ name: "A", maxStaleness: never })).toMatchObject({ servedFrom: ServedFrom.MANAGER });
    const { response } = await caller.call("BatchReadSecrets", {
      reads: [
        { name: "A", field: "" },
        { name: "B", field: "" },
      ],
    });
    const { results } = response as BatchReadSecretsResponse;
    expect(results.map(({ result }) => result?.$case === "read" && result.value.servedFrom)).toEqual([
      ServedFrom.CACHE,
      ServedFrom.MANAGER,
    ]);
    const reads = readFileSync(broker.auditFile, "utf8").match(/"action":"read"/gu);
    expect(reads).toHaveLength(5);
  });

  it("gives what is kept while the manager fails, and is told apart from a manager that is spared", async () => {
    await read({ name: "A" });
    fail(true);
    const now = { name: "A", maxStaleness: never };
    for (let count = 0; count < 2; count += 1)
      expect((await caller.call("ReadSecret", now)).reason).toBe("MANAGER_UNAVAILABLE");
    const spared = await caller.call("ReadSecret", now);
    expect(spared).toMatchObject({ reason: "BREAKER_OPEN", code: status[status.UNAVAILABLE] });
    const waitMs = Number(detailsOf(spared.error).retry?.retryDelay?.seconds ?? 0n);
    expect(waitMs).toBeGreaterThan(3_000);
    expect(await read({ name: "A" })).toMatchObject({ servedFrom: ServedFrom.CACHE });
    const metrics = await (await fetch(`http://${broker.adminAddress ?? ""}/metrics`)).text();
    expect(metrics).toMatch(/^secret_broker_breaker_open 1$/mu);
    expect(metrics).toMatch(/^secret_broker_cache_reads_total\{result="hit"\} 1$/mu);
    expect(metrics).toMatch(/^secret_broker_cache_entries 1$/mu);
  });

  it("refuses what is too old with its age and the time to wait", async () => {
    await read({ name: "A" });
    fail(true);
    const bounded = { name: "A", maxStaleness: { seconds: 0n, nanos: 1 } };
    const refused = await caller.call("ReadSecret", bounded);
    expect(refused).toMatchObject({ reason: "STALE_TOO_OLD", code: status[status.UNAVAILABLE] });
    const { info, retry } = detailsOf(refused.error);
    expect(Number(info?.metadata.get("age_ms"))).toBeGreaterThan(0);
    expect(retry?.retryDelay).toBeDefined();
    fail(false);
    expect(await read(bounded)).toMatchObject({ servedFrom: ServedFrom.MANAGER });
  });
});

function detailsOf(error: { readonly metadata: { get(key: string): unknown[] } } | undefined): {
  readonly info: ErrorInfo | undefined;
  readonly retry: RetryInfo | undefined;
} {
  const [bytes] = error?.metadata.get("grpc-status-details-bin") ?? [];
  const { details } = Status.decode(bytes as Buffer);
  const find = (type: string): Uint8Array | undefined => details.find(({ typeUrl }) => typeUrl.endsWith(type))?.value;
  const [info, retry] = [find("ErrorInfo"), find("RetryInfo")];
  return { info: info && ErrorInfo.decode(info), retry: retry && RetryInfo.decode(retry) };
}
