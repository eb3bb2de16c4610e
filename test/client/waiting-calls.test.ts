import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type ClientOptions, SecretBrokerClient } from "../../src/client/index.js";
import { startMapBroker } from "./map-broker.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Accepts connections and never says a word. */
async function silentAddress(): Promise<string> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.on("connection", (socket) => {
    cleanups.push(() => socket.destroy());
  });
  cleanups.push(() => server.close());
  const bound = server.address();
  return `127.0.0.1:${String(typeof bound === "object" ? bound?.port : 0)}`;
}

async function brokerAddress(): Promise<string> {
  const broker = await startMapBroker();
  cleanups.push(() => {
    broker.stop();
  });
  return broker.address;
}

function connect(address: string | readonly string[], options: ClientOptions = {}): SecretBrokerClient {
  const client = new SecretBrokerClient(address, options);
  cleanups.push(() => {
    client.close();
  });
  return client;
}

const never = (): Promise<string> => new Promise(() => undefined);
const cancelled = { reason: "CALL_CANCELLED", message: "the call was cancelled" };
const closed = { reason: "CALL_CANCELLED", message: "the client is closed" };

describe("a call that waits for its token", () => {
  it("waits no longer than it may take", async () => {
    const client = connect(await brokerAddress(), { token: never });
    await expect(client.readSecret({ name: "A" }, { timeoutMs: 50 })).rejects.toMatchObject({
      reason: "MANAGER_TIMEOUT",
      message: "the token was not there within 50 ms",
    });
  });

  it("can be cancelled", async () => {
    const client = connect(await brokerAddress(), { token: never });
    const abort = new AbortController();
    const read = client.readSecret({ name: "A" }, { signal: abort.signal });
    abort.abort();
    await expect(read).rejects.toMatchObject(cancelled);
  });

  it("ends with the client", async () => {
    const client = connect(await brokerAddress(), { token: never });
    const read = client.readSecret({ name: "A" });
    const watch = client.watchSecrets()[Symbol.asyncIterator]().next();
    client.close();
    await expect(read).rejects.toMatchObject(closed);
    expect(await watch).toMatchObject({ done: true });
  });
});

describe("a call that waits for one of several brokers", () => {
  it("can be cancelled", async () => {
    const client = connect([await silentAddress(), await silentAddress()]);
    const abort = new AbortController();
    const read = client.readSecret({ name: "A" }, { signal: abort.signal, timeoutMs: 600_000 });
    setImmediate(() => {
      abort.abort();
    });
    await expect(read).rejects.toMatchObject(cancelled);
  });

  it("ends with the client", async () => {
    const client = connect([await silentAddress(), await silentAddress()]);
    const read = client.readSecret({ name: "A" }, { timeoutMs: 600_000 });
    setImmediate(() => {
      client.close();
    });
    await expect(read).rejects.toMatchObject(closed);
  });
});

describe("closing a client", () => {
  it("cancels what was not sent yet, with an error like any other", async () => {
    const client = connect(await brokerAddress());
    const read = client.readSecret({ name: "A" });
    client.close();
    await expect(read).rejects.toMatchObject(closed);
  });

  it("lets a call come to its end instead of asking a second time", async () => {
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    let asked = (): void => undefined;
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const broker = await startMapBroker({
      before: async () => {
        asked();
        await answered;
      },
    });
    cleanups.push(() => {
      broker.stop();
    });
    const client = connect(broker.address, { hedgeAfterMs: 200 });
    const read = client.readSecret({ name: "A" });
    await isAsked;
    client.close();
    setTimeout(answer, 400);
    await expect(read).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
  });
});
