import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { Metadata } from "@grpc/grpc-js";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ReadSecretRequest } from "../../src/gen/secretbroker/v1/secret_broker.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { rpcs, RpcCaller } from "../app/call-rpc.js";

describe("bad input", () => {
  let broker: TestBroker;
  let caller: RpcCaller;

  beforeAll(async () => {
    broker = await startBroker();
    caller = new RpcCaller(broker.address);
    await caller.call("WriteSecret", { name: "KEY", payload: { $case: "text", value: "placeholder" } });
  });

  afterAll(async () => {
    caller.close();
    await broker.stop();
  });

  async function servesOn(): Promise<void> {
    expect(await caller.call("ReadSecret", { name: "KEY" })).toMatchObject({ code: "OK" });
  }

  it.each([...rpcs.keys()].filter((name) => name !== "WatchSecrets"))(
    "%s answers any bytes with a status",
    async (name) => {
      const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.constant(Uint8Array.of(0x0a, 0x05, 0x61)));
      const run = fc.asyncProperty(bytes, async (message) => {
        const { code, reason, error } = await caller.call(name, message);
        expect(code).not.toBe("UNKNOWN");
        expect(code === "OK" || reason !== undefined || error?.details === "").toBe(true);
      });
      await fc.assert(run, { numRuns: 25, seed: 20_261_123 });
      await servesOn();
    },
  );

  it("refuses strings that are not UTF-8 instead of repairing them", async () => {
    const message = Uint8Array.of(0x0a, 0x03, 0x61, 0xff, 0x62);
    expect(await caller.call("ReadSecret", message)).toMatchObject({
      code: "INVALID_ARGUMENT",
      reason: "FIELD_INVALID",
    });
    const write = Uint8Array.of(0x0a, 0x01, 0x61, 0x12, 0x02, 0xc3, 0x28);
    expect(await caller.call("WriteSecret", write)).toMatchObject({ reason: "FIELD_INVALID" });
  });

  it("refuses half a message", async () => {
    const request = { name: "KEY", options: undefined, field: "", maxStaleness: undefined };
    const whole = ReadSecretRequest.encode(request).finish();
    expect(await caller.call("ReadSecret", whole.subarray(0, whole.length - 1))).toMatchObject({
      reason: "FIELD_INVALID",
    });
  });

  it("ignores fields it does not know", async () => {
    const unknown = Uint8Array.of(0x0a, 0x03, 0x4b, 0x45, 0x59, 0xfa, 0x3f, 0x02, 0x68, 0x69);
    expect(await caller.call("ReadSecret", unknown)).toMatchObject({ code: "OK" });
  });

  it("names every wrong field at once", async () => {
    const { error, reason } = await caller.call("WriteSecret", {
      name: "../x",
      description: "x".repeat(3_000),
      requestId: "x".repeat(200),
    });
    expect(reason).toBe("FIELD_INVALID");
    for (const field of ["name", "payload", "description", "request_id"]) expect(error?.details).toContain(field);
  });

  it("refuses a payload above the bound, and one above the message bound", async () => {
    const big = (bytes: number): object => ({ name: "BIG", payload: { $case: "binary", value: Buffer.alloc(bytes) } });
    expect(await caller.call("WriteSecret", big(1024 * 1024))).toMatchObject({ code: "OK" });
    expect(await caller.call("WriteSecret", big(1024 * 1024 + 1))).toMatchObject({ reason: "FIELD_INVALID" });
    expect(await caller.call("WriteSecret", big(5 * 1024 * 1024))).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
    await servesOn();
  });

  it("refuses more metadata than is allowed", async () => {
    const metadata = new Metadata();
    metadata.set("x-big", "x".repeat(20_000));
    expect(await caller.call("ReadSecret", { name: "KEY" }, metadata)).toMatchObject({ reason: "FIELD_INVALID" });
    metadata.set("x-big", "x".repeat(70_000));
    expect((await caller.call("ReadSecret", { name: "KEY" }, metadata)).code).not.toBe("OK");
    await servesOn();
  });

  it("answers 10,000 calls at once", async () => {
    const calls = Array.from({ length: 10_000 }, () => caller.call("ReadSecret", { name: "KEY" }));
    const codes = new Set((await Promise.all(calls)).map(({ code }) => code));
    expect([...codes]).toEqual(["OK"]);
  });

  it("answers an unknown method and another content type with a status", async () => {
    const session = connectHttp2(`http://${broker.address}`);
    const statuses = await Promise.all([
      headersOf(session, {
        ":method": "POST",
        ":path": "/secretbroker.v1.SecretBroker/Nothing",
        "content-type": "application/grpc",
      }),
      headersOf(session, {
        ":method": "POST",
        ":path": "/secretbroker.v1.SecretBroker/ReadSecret",
        "content-type": "text/plain",
      }),
    ]);
    session.close();
    expect(statuses[0]["grpc-status"]).toBe("12");
    expect(statuses[1][":status"]).toBe(415);
    await servesOn();
  });

  it.each([
    ["an HTTP/1.1 request", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["random bytes", Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 37) % 251))],
    ["a preface and garbage", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0009\u0007garbage"],
  ])("survives %s", async (_title, bytes) => {
    const [host = "", port = ""] = broker.address.split(":");
    const socket = connect(Number(port), host);
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.end(bytes);
    socket.resume();
    await once(socket, "close");
    await servesOn();
  });
});

type Http2Session = ReturnType<typeof connectHttp2>;
type Headers = Readonly<Record<string, unknown>>;

async function headersOf(session: Http2Session, headers: Record<string, string>): Promise<Headers> {
  const stream = session.request(headers, { endStream: true });
  stream.resume();
  const [received] = (await once(stream, "response")) as [Headers];
  return received;
}
