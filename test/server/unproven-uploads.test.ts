import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WriteSecretRequest } from "../../src/gen/secretbroker/v1/secret_broker.js";
import { createAccessToken, hashOfToken } from "../../src/identity/access-token.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";

const token = createAccessToken();
const config = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: memory }
  admin: { listen: "off" }
  log: { level: error }
  audit: { sink: file, path: audit.jsonl }
  authentication: { tokens: { file: tokens.yaml } }
  policies: [{ name: app, principals: [app], actions: ["*"], names: ["**"] }]
`;
const tokens = `tokens:\n  - { principal: app, hash: "${hashOfToken(token)}" }\n`;

const megabyte = 1024 * 1024;
const piece = Buffer.alloc(64 * 1024, "x");

/** A message of a call, with the five bytes that go before it. */
function framed(message: Uint8Array, length: number = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

describe("a request that does not come with its headers", () => {
  let broker: TestBroker;
  let session: ClientHttp2Session;

  beforeAll(async () => {
    broker = await startBroker({ config, files: { "tokens.yaml": tokens } });
    // What waits to be sent counts as well.
    session = connect(`http://${broker.address}`, { maxSessionMemory: 2_000 });
  });

  afterAll(async () => {
    session.destroy();
    await broker.stop();
  });

  const begin = (authorization?: string): ClientHttp2Stream => {
    const path = "/secretbroker.v1.SecretBroker/WriteSecret";
    const stream = session.request({
      ...{ ":method": "POST", ":path": path, te: "trailers", "content-type": "application/grpc" },
      ...(authorization !== undefined && { authorization }),
    });
    stream.on("error", () => undefined);
    stream.resume();
    return stream;
  };

  /** What a call ends with. */
  const statusOf = (stream: ClientHttp2Stream): Promise<string> =>
    new Promise((resolve) => {
      const note = (headers: IncomingHttpHeaders): void => {
        if (headers["grpc-status"] !== undefined) resolve(String(headers["grpc-status"]));
      };
      stream.on("response", note);
      stream.on("trailers", note);
    });

  it.each([
    ["no credential", undefined],
    ["a token that is not known", `Bearer ${createAccessToken()}`],
  ])("is not waited for from a caller with %s", async (_case, authorization) => {
    const before = (await readFile(broker.auditFile, "utf8")).split('"outcome":"CREDENTIAL_').length;
    const stream = begin(authorization);
    stream.write(framed(piece, megabyte));
    expect(await statusOf(stream)).toBe("16");
    stream.destroy();
    const after = (await readFile(broker.auditFile, "utf8")).split('"outcome":"CREDENTIAL_').length;
    expect(after - before).toBe(1);
  });

  it("is waited for from a caller who is known", async () => {
    const request = WriteSecretRequest.fromPartial({
      name: "SLOW",
      payload: { $case: "text", value: "v".repeat(200_000) },
    });
    const bytes = framed(WriteSecretRequest.encode(request).finish());
    const stream = begin(`Bearer ${token}`);
    const status = statusOf(stream);
    for (let at = 0; at < bytes.length; at += piece.length) {
      await delay(20);
      stream.write(bytes.subarray(at, at + piece.length));
    }
    stream.end();
    expect(await status).toBe("0");
  });

  it("takes no memory of callers who are nobody, however many begin one", { timeout: 60_000 }, async () => {
    const heldBefore = process.memoryUsage().arrayBuffers;
    const streams = Array.from({ length: 300 }, () => begin());
    const statuses = streams.map((stream) => statusOf(stream));
    for (const stream of streams) {
      stream.write(framed(piece, 4 * megabyte - 1_000));
      for (let sent = 0; sent < megabyte; sent += piece.length) stream.write(piece);
    }
    expect(new Set(await Promise.all(statuses))).toEqual(new Set(["16"]));
    // All of it has gone out, so that the broker would have it.
    await expect.poll(() => streams.every((stream) => stream.writableLength === 0), { timeout: 30_000 }).toBe(true);
    expect((process.memoryUsage().arrayBuffers - heldBefore) / megabyte).toBeLessThan(60);
    for (const stream of streams) stream.destroy();
  });
});
