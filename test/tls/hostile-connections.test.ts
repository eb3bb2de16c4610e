import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants } from "node:http2";
import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { BrokerUnderAttack } from "./broker-under-attack.js";
import { connectRaw, frame, frameTypes, lastStreamOf, preface, type RawConnection } from "./raw-http2.js";

/** How many connections a flood has: a few thousand, or as many as FLOOD_CONNECTIONS says. */
const floodConnections = Number(process.env["FLOOD_CONNECTIONS"] ?? 5_000);
const batch = 250;

const settings = frame(frameTypes.settings, {});
const open: RawConnection[] = [];
let broker: BrokerUnderAttack;

async function connect(address: string): Promise<RawConnection> {
  const authority = address === broker.tlsAddress ? broker.authority.certificate : undefined;
  const connection = await connectRaw(address, authority);
  open.push(connection);
  return connection;
}

/** Opens a call below gRPC. */
function request(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
  return session.request(headers).on("error", () => undefined);
}

/** A message as gRPC frames it. */
function messageOf(...parts: readonly Buffer[]): Buffer {
  const message = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function closeAll(): void {
  for (const { socket } of open.splice(0)) socket.destroy();
}

afterEach(closeAll);

describe("a broker with short times", { timeout: 60_000 }, () => {
  beforeAll(async () => {
    broker = await BrokerUnderAttack.start(
      "max_connections: 40, handshake_timeout: 500ms, idle_timeout: 2s, keepalive: 1s, keepalive_timeout: 500ms",
    );
  });

  afterAll(async () => {
    expect(await broker.stop()).toBe(0);
  });

  it.each(["plainAddress", "tlsAddress"] as const)(
    "cuts off who says nothing, too little or nonsense at %s",
    async (at) => {
      const address = broker[at];
      const [silent, slow, wrong, old] = await Promise.all([1, 2, 3, 4].map(() => connect(address)));
      wrong?.socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      old?.socket.write(Buffer.concat([preface.subarray(0, 23), Buffer.from("x")]));
      let sent = 0;
      const trickle = setInterval(() => slow?.socket.write(preface.subarray(sent, (sent += 1))), 100);
      for (const each of [silent, slow, wrong, old]) await each?.closed;
      clearInterval(trickle);
      expect(sent).toBeLessThan(preface.length);
      expect(await broker.isServing()).toBe(true);
    },
  );

  it("cuts off who never finishes a TLS handshake", async () => {
    const silent = await connectRaw(broker.tlsAddress);
    const slow = await connectRaw(broker.tlsAddress);
    // A record that says it is longer than what ever comes.
    slow.socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    const plain = await connectRaw(broker.tlsAddress);
    plain.socket.write(preface);
    await Promise.all([silent.closed, slow.closed, plain.closed]);
  });

  it.each(["plainAddress", "tlsAddress"] as const)("cuts off who stops in the middle of a frame at %s", async (at) => {
    const { socket, closed } = await connect(broker[at]);
    socket.write(Buffer.concat([preface, settings, frame(frameTypes.headers, { flags: 4, stream: 1, length: 500 })]));
    socket.write("abc");
    await closed;
  });

  it("closes a connection that is not used, with a farewell", async () => {
    const session = connectHttp2(`http://${broker.plainAddress}`);
    const [code] = (await once(session, "goaway")) as [number];
    expect(code).toBe(constants.NGHTTP2_NO_ERROR);
    session.destroy();
  });

  it.each([
    ["a watch of secrets", "/secretbroker.v1.SecretBroker/WatchSecrets"],
    ["a watch of health", "/grpc.health.v1.Health/Watch"],
  ])("keeps a connection with %s, and closes it once that is over", async (_what, path) => {
    const session = connectHttp2(`http://${broker.plainAddress}`);
    let isGoingAway = false;
    session.once("goaway", () => (isGoingAway = true));
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc" });
    stream.on("error", () => undefined);
    stream.resume();
    // An empty message is the whole request for health; the other waits for one.
    if (path.includes("Health")) stream.end(Buffer.alloc(5));
    await delay(4_000);
    expect([isGoingAway, stream.closed]).toEqual([false, false]);
    stream.close(constants.NGHTTP2_CANCEL);
    await once(session, "goaway");
    session.destroy();
  });

  it("keeps a connection that is called again and again, by whatever RPC", async () => {
    const session = connectHttp2(`http://${broker.plainAddress}`);
    let isGoingAway = false;
    session.once("goaway", () => (isGoingAway = true));
    for (let calls = 0; calls < 8; calls += 1) {
      const path = calls % 2 === 0 ? "/grpc.health.v1.Health/Check" : "/secretbroker.v1.SecretBroker/ReadSecret";
      const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc" });
      stream.resume().end(Buffer.alloc(5));
      await once(stream, "close");
      await delay(500);
    }
    expect(isGoingAway).toBe(false);
    session.destroy();
  });

  it("makes way for a new one when all places are taken by those that have not begun", async () => {
    const silent = await Promise.all(Array.from({ length: 60 }, () => connect(broker.plainAddress)));
    expect(await broker.isServing()).toBe(true);
    await Promise.all(silent.map(({ closed }) => closed));
  });

  it("keeps those that have begun, refuses more, and has room again when they go", async () => {
    const begun: ClientHttp2Session[] = [];
    for (let count = 0; count < 40; count += 1) {
      const session = connectHttp2(`http://${broker.plainAddress}`);
      session.on("error", () => undefined);
      begun.push(session);
      await once(session, "remoteSettings");
    }
    const { closed } = await connect(broker.plainAddress);
    expect(await closed).toEqual(Buffer.alloc(0));
    expect(begun.some(({ destroyed }) => destroyed)).toBe(false);
    for (const session of begun) session.destroy();
    await expect.poll(() => broker.isServing(), { timeout: 10_000 }).toBe(true);
    expect(broker.log).toContain("limits.max_connections");
  });
});

describe("a broker as it is set up", { timeout: 600_000 }, () => {
  beforeAll(async () => {
    broker = await BrokerUnderAttack.start("handshake_timeout: 1s");
    expect(await broker.isServing()).toBe(true);
  });

  afterAll(async () => {
    expect(await broker.stop()).toBe(0);
  });

  it("ends a connection that opens and resets streams in great numbers", async () => {
    for (let round = 0; round < 3; round += 1) {
      const { socket, closed } = await connect(broker.plainAddress);
      socket.write(Buffer.concat([preface, settings]));
      // Literal headers without an index: a POST that would be an RPC.
      const headers = Buffer.concat([
        Buffer.from([0x83, 0x86, 0x04, 0x02]),
        Buffer.from("/x"),
        Buffer.from([0x0f, 0x10, 0x10]),
        Buffer.from("application/grpc"),
      ]);
      for (let stream = 1; stream < 20_000 && !socket.destroyed; stream += 2) {
        socket.write(frame(frameTypes.headers, { flags: 4, stream }, headers));
        socket.write(frame(frameTypes.reset, { stream }, Buffer.from([0, 0, 0, 8])));
        if (stream % 100 === 1) await new Promise(setImmediate);
      }
      // Only the broker ends it, after a thousand at once and few more a second; its farewell may be lost, as it does
      // not read what is still on the way.
      expect(lastStreamOf(await closed) ?? 0).toBeLessThan(4_000);
      expect(await broker.isServing()).toBe(true);
    }
  });

  it("bears floods of settings and pings whose answers nobody reads", async () => {
    const flood = Buffer.concat(
      Array.from({ length: 2_000 }, () => [settings, frame(frameTypes.ping, {}, Buffer.alloc(8))]).flat(),
    );
    for (let round = 0; round < 5; round += 1) {
      const { socket } = await connect(broker.plainAddress);
      socket.pause();
      socket.write(Buffer.concat([preface, settings]));
      for (let count = 0; count < 10; count += 1) socket.write(flood);
    }
    expect(await broker.isServing()).toBe(true);
  });

  it("serves on after any frames, at both addresses", async () => {
    const anyFrame = fc
      .record({
        type: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 255 })),
        flags: fc.integer({ min: 0, max: 255 }),
        stream: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.nat()),
        length: fc.option(fc.integer({ min: 0, max: 0xff_ff_ff }), { nil: undefined, freq: 8 }),
        payload: fc.uint8Array({ maxLength: 64 }),
      })
      .map(({ type, flags, stream, length, payload }) =>
        frame(type, { flags, stream, ...(length !== undefined && { length }) }, payload),
      );
    const start = fc.constantFrom(preface, Buffer.concat([preface, settings]), Buffer.alloc(0));
    const conversation = fc.tuple(start, fc.oneof(fc.array(anyFrame, { maxLength: 20 }), fc.array(fc.uint8Array())));
    const run = fc.asyncProperty(conversation, fc.boolean(), async ([first, frames], isTls) => {
      const { socket } = await connect(isTls ? broker.tlsAddress : broker.plainAddress);
      socket.write(Buffer.concat([first, ...frames]));
      await new Promise<void>((resolve) => {
        socket.end(resolve).once("close", resolve);
      });
      closeAll();
    });
    await fc.assert(run, { numRuns: 400, seed: 20_261_127 });
    expect(await broker.isServing()).toBe(true);
  });

  it("serves on after any bytes where a message of gRPC should be", async () => {
    const session = connectHttp2(`http://${broker.plainAddress}`);
    const headers = {
      ...{ ":method": "POST", ":path": "/secretbroker.v1.SecretBroker/ReadSecret" },
      ...{ "content-type": "application/grpc", te: "trailers", "grpc-timeout": "200m" },
    };
    const lie = fc
      .record({ flag: fc.integer({ min: 0, max: 255 }), length: fc.nat(), body: fc.uint8Array({ maxLength: 64 }) })
      .map(({ flag, length, body }) => {
        const head = Buffer.alloc(5);
        head.writeUInt8(flag, 0);
        head.writeUInt32BE(length, 1);
        return Buffer.concat([head, body]);
      });
    const encoding = fc.constantFrom("identity", "gzip", "deflate", "br", "");
    const run = fc.asyncProperty(fc.oneof(lie, fc.uint8Array()), encoding, async (bytes, name) => {
      const stream = session.request({ ...headers, ...(name !== "" && { "grpc-encoding": name }) });
      stream.on("error", () => undefined).resume();
      stream.end(bytes);
      await once(stream, "close");
    });
    await fc.assert(run, { numRuns: 300, seed: 20_261_127 });
    session.destroy();
    expect(await broker.isServing()).toBe(true);
  });

  it("bears questions of reflection whose answers nobody takes, with flat memory", async () => {
    const session = connectHttp2(`http://${broker.plainAddress}`);
    const stream = request(session, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo").pause();
    const symbol = Buffer.from("secretbroker.v1.SecretBroker");
    const question = messageOf(Buffer.from([0x22, symbol.length]), symbol);
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => question));
    const before = broker.residentMb();
    // 13 kB would be answered to each, 500 MB to all of them.
    for (let round = 0; round < 40; round += 1) {
      stream.write(many);
      await delay(20);
    }
    expect(await broker.isServing()).toBe(true);
    expect(broker.residentMb()).toBeLessThan(before + 32);
    session.destroy();
  });

  it("keeps nothing of what many streams of reflection ask ahead", async () => {
    const before = broker.residentMb();
    const sessions: ClientHttp2Session[] = [];
    for (let count = 0; count < 3; count += 1) {
      const session = connectHttp2(`http://${broker.plainAddress}`, { settings: { initialWindowSize: 0 } });
      session.on("error", () => undefined);
      sessions.push(session);
      const streams = Array.from({ length: 900 }, () =>
        request(session, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo").pause(),
      );
      for (const stream of streams) stream.write(Buffer.alloc(16_384));
      await delay(2_000);
    }
    expect(await broker.isServing()).toBe(true);
    expect(broker.residentMb()).toBeLessThan(before + 120);
    for (const session of sessions) session.destroy();
  });

  it("keeps nothing of long names whose health is watched", async () => {
    const session = connectHttp2(`http://${broker.plainAddress}`);
    const name = Buffer.alloc(2 ** 21, "n");
    const question = messageOf(Buffer.from([0x0a, 0x80, 0x80, 0x80, 0x01]), name);
    const before = broker.residentMb();
    for (let count = 0; count < 60; count += 1) {
      const stream = request(session, "/grpc.health.v1.Health/Watch").resume();
      stream.end(question);
      const [headers] = (await once(stream, "response")) as [Record<string, string>];
      expect(headers["grpc-status"]).toBe("3");
    }
    expect(await broker.isServing()).toBe(true);
    expect(broker.residentMb()).toBeLessThan(before + 64);
    session.destroy();
  });

  it("has a bounded number of watches of health, and answers checks all the same", async () => {
    const sessions: ClientHttp2Session[] = [];
    const watch = async (count: number): Promise<(string | undefined)[]> => {
      const session = connectHttp2(`http://${broker.plainAddress}`);
      session.on("error", () => undefined);
      sessions.push(session);
      const answers = Array.from({ length: count }, async () => {
        const stream = request(session, "/grpc.health.v1.Health/Watch").resume();
        stream.end(Buffer.alloc(5));
        const [headers] = (await once(stream, "response")) as [Record<string, string>];
        return headers["grpc-status"];
      });
      return await Promise.all(answers);
    };
    for (let count = 0; count < 10; count += 1) expect(new Set(await watch(1_000))).toEqual(new Set([undefined]));
    expect(await watch(1)).toEqual(["8"]);
    expect(await broker.isServing()).toBe(true);
    for (const session of sessions.splice(0)) session.destroy();
    await expect.poll(() => watch(1), { timeout: 10_000 }).toEqual([undefined]);
    for (const session of sessions) session.destroy();
  });

  it("answers health under a flood of connections, with flat memory", async () => {
    const firsts = [
      Buffer.alloc(0),
      preface,
      Buffer.concat([preface, settings]),
      Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    ];
    const residentMb: number[] = [];
    for (let made = 0; made < floodConnections; made += batch) {
      const connections = Array.from({ length: batch }, async (_, index) => {
        const { socket } = await connectRaw(index % 10 === 9 ? broker.tlsAddress : broker.plainAddress);
        socket.write(firsts[index % firsts.length] ?? "");
        return socket;
      });
      const sockets = await Promise.all(connections);
      if (made % (batch * 4) === 0) expect(await broker.isServing()).toBe(true);
      for (const socket of sockets) socket.destroy();
      residentMb.push(broker.residentMb());
    }
    expect(await broker.isServing()).toBe(true);
    const half = residentMb.length / 2;
    const [early, late] = [residentMb.slice(2, half), residentMb.slice(half)];
    const message = `resident MB: ${residentMb.map(Math.round).join(", ")}`;
    expect(Math.min(...late), message).toBeLessThan(Math.max(...early) + 24);
  });
});
