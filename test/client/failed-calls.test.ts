import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { isSecretError, SecretBrokerClient } from "../../src/client/index.js";
import { SecretError } from "../../src/domain/secret-error.js";
import type { ReadSecretResponse } from "../../src/gen/secretbroker/v1/secret_broker.js";
import { freePort } from "../free-port.js";
import { type MapBroker, type MapBrokerOptions, startMapBroker } from "./map-broker.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options?: MapBrokerOptions): Promise<{ broker: MapBroker; client: SecretBrokerClient }> {
  const broker = await startMapBroker(options);
  cleanups.push(() => {
    broker.stop();
  });
  return { broker, client: connect(broker.address) };
}

function connect(address: string): SecretBrokerClient {
  // What is tried again, and when, is another test's.
  const client = new SecretBrokerClient(address, { retry: { attempts: 1 } });
  cleanups.push(() => {
    client.close();
  });
  return client;
}

function never(): Promise<ReadSecretResponse> {
  return new Promise(() => undefined);
}

async function failureOf(call: Promise<unknown>): Promise<SecretError> {
  const thrown: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!isSecretError(thrown)) throw new Error("no SecretError was thrown", { cause: thrown });
  return thrown;
}

describe("a broker's failure", () => {
  it("arrives with its reason, message, facts and violations", async () => {
    const violations = [{ field: "name", description: "must not be empty" }];
    const { client } = await start({
      read: () => {
        throw SecretError.fieldInvalid(violations);
      },
    });
    expect(await failureOf(client.readSecret({ name: "" }))).toMatchObject({
      reason: "FIELD_INVALID",
      message: "name must not be empty",
      violations,
      metadata: { request_id: "request-1" },
    });
  });

  it("tells how long to wait", async () => {
    const { client } = await start({
      read: () => {
        throw new SecretError("RATE_LIMITED", "too many calls", { retryAfterMs: 2_500 });
      },
    });
    expect(await failureOf(client.readSecret({ name: "key" }))).toMatchObject({ retryAfterMs: 2_500 });
  });

  it("is not taken for the client's own, though the status is the same", async () => {
    const { client } = await start({
      read: () => {
        throw new SecretError("AUDIT_UNAVAILABLE", "the audit log cannot be written");
      },
    });
    expect(await failureOf(client.readSecret({ name: "key" }))).toMatchObject({
      reason: "AUDIT_UNAVAILABLE",
      message: "the audit log cannot be written",
    });
  });
});

describe("a broker that cannot be reached", () => {
  it("fails at once, with its address and what to do", async () => {
    const port = await freePort();
    const client = connect(`127.0.0.1:${String(port)}`);
    expect(await failureOf(client.readSecret({ name: "key" }))).toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
      message: `the broker at "127.0.0.1:${String(port)}" could not be reached; "secret-broker serve" starts one`,
    });
  });

  it("fails at once on a Unix socket that does not exist", async () => {
    const failure = await failureOf(connect("unix:/nonexistent/broker.sock").readSecret({ name: "key" }));
    expect(failure).toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    expect(failure.message).toContain('"unix:/nonexistent/broker.sock"');
  });

  it("is reached again once it is back", async () => {
    const { client, broker } = await start();
    await client.writeSecret({ name: "key", payload: "value" });
    broker.stop();
    await failureOf(client.readSecret({ name: "key" }));
    const again = await startMapBroker({ bind: broker.address });
    cleanups.push(() => {
      again.stop();
    });
    await expect.poll(() => client.writeSecret({ name: "key", payload: "v" }), { timeout: 8_000 }).toBeDefined();
  });
});

describe("a call that takes too long", () => {
  it("ends at its timeout, here and at the broker", async () => {
    const { client, broker } = await start({ read: never });
    expect(await failureOf(client.readSecret({ name: "key" }, { timeoutMs: 200 }))).toMatchObject({
      reason: "MANAGER_TIMEOUT",
      message: `the broker at "${broker.address}" did not answer within 200 ms`,
    });
    await expect.poll(() => broker.cancelled()).toBe(1);
  });

  it("ends when the server accepts and says nothing", async () => {
    const silent = await startSilentServer();
    const failure = await failureOf(connect(silent).readSecret({ name: "key" }, { timeoutMs: 200 }));
    expect(["MANAGER_TIMEOUT", "MANAGER_UNAVAILABLE"]).toContain(failure.reason);
  });

  it.each([0, -1, Number.NaN, Infinity])("cannot have the timeout %s", async (timeoutMs) => {
    const { client } = await start();
    expect(await failureOf(client.readSecret({ name: "key" }, { timeoutMs }))).toMatchObject({
      violations: [{ field: "timeout_ms" }],
    });
    expect(() => new SecretBrokerClient("127.0.0.1:1", { timeoutMs })).toThrow(/timeout_ms/);
  });
});

describe("a cancelled call", () => {
  it("ends at once, here and at the broker", async () => {
    const { client, broker } = await start({ read: never });
    const controller = new AbortController();
    const failure = failureOf(client.readSecret({ name: "key" }, { signal: controller.signal }));
    await expect.poll(() => broker.requests.length).toBe(1);
    controller.abort();
    expect(await failure).toMatchObject({ reason: "CALL_CANCELLED", message: "the call was cancelled" });
    await expect.poll(() => broker.cancelled()).toBe(1);
  });

  it("never reaches the broker when it was cancelled before", async () => {
    const { client, broker } = await start();
    const call = client.readSecret({ name: "key" }, { signal: AbortSignal.abort() });
    expect(await failureOf(call)).toMatchObject({ reason: "CALL_CANCELLED" });
    expect(broker.requests).toEqual([]);
  });
});

describe("the request id", () => {
  it("travels as metadata", async () => {
    const { client, broker } = await start();
    await client.writeSecret({ name: "key", payload: "value" }, { requestId: "trace-me" });
    expect(broker.metadata[0]?.get("x-request-id")).toEqual(["trace-me"]);
  });

  it.each(["", "two words", "line\nbreak", "ключ", "x".repeat(129)])("cannot be %j", async (requestId) => {
    const { client } = await start();
    expect(await failureOf(client.readSecret({ name: "key" }, { requestId }))).toMatchObject({
      violations: [{ field: "x-request-id" }],
    });
  });
});

describe("a closed client", () => {
  it("makes no more calls, and closes twice without harm", async () => {
    const { client } = await start();
    client.close();
    client.close();
    expect(await failureOf(client.readSecret({ name: "key" }))).toMatchObject({
      reason: "CALL_CANCELLED",
      message: "the client is closed",
    });
  });

  it("leaves a call that is running to its own end", async () => {
    const { client, broker } = await start({ read: never });
    const failure = failureOf(client.readSecret({ name: "key" }, { timeoutMs: 1_000 }));
    await expect.poll(() => broker.requests.length).toBe(1);
    client.close();
    expect((await failure).reason).toBe("MANAGER_TIMEOUT");
  });

  it("leaves another client of the same broker alone", async () => {
    const { client, broker } = await start();
    const other = connect(broker.address);
    await other.writeSecret({ name: "key", payload: "value" });
    await client.readSecret({ name: "key" });
    client.close();
    expect(await other.readSecret({ name: "key" })).toMatchObject({ secret: { payload: "value" } });
  });
});

async function startSilentServer(): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    cleanups.push(() => socket.destroy());
  });
  cleanups.push(() => server.close());
  return `127.0.0.1:${String(await listen(server))}`;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return address.port;
}
