import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Metadata, status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished } from "vitest";
import type { SecretManager } from "../../../src/contract/secret-manager.js";
import {
  Capability,
  HandshakeResponse,
  ReadSecretResponse,
} from "../../../src/gen/secretbroker/manager/v1/secret_manager.js";
import { DialledSource } from "../../../src/managers/remote/dialled-source.js";
import { openRemoteManager } from "../../../src/managers/remote/manager-pool.js";
import { always, callOf, fails, goodHello, refusalOf, type Script, serveScript } from "./scripted-manager.js";

interface Told {
  readonly up: string[];
  readonly down: string[];
  readonly notes: string[];
}

async function dial(paths: readonly string[], startTimeoutMs = 10_000): Promise<SecretManager & Told> {
  const told: Told = { up: [], down: [], notes: [] };
  const sources = paths.map((path) => new DialledSource({ kind: "unix", path }, undefined));
  const manager = await openRemoteManager(sources, {
    startTimeoutMs,
    connection: { brokerVersion: "1.2.3", maxReceiveBytes: 64 * 1024, onNote: (note) => told.notes.push(note) },
    events: {
      onUp: (name) => told.up.push(name),
      onDown: (_name, thrown) => told.down.push(thrown instanceof Error ? thrown.message : ""),
    },
  });
  onTestFinished(() => manager.close());
  return Object.assign(manager, told);
}

const found = (name = "NAME"): ReadSecretResponse =>
  ReadSecretResponse.fromPartial({
    name,
    payload: { payload: { $case: "text", value: "value" } },
    version: { version: 1, active: true },
  });

const reads: Script = {
  readSecret: (call, callback) => {
    callback(null, found((call.request as { name: string }).name));
  },
};

describe("the handshake", () => {
  it("tells what the broker speaks, and happens again on every connection", async () => {
    const asked: unknown[] = [];
    const script: Script = {
      ...reads,
      handshake: (call, callback) => {
        asked.push(call.request);
        callback(null, goodHello);
      },
    };
    const first = await serveScript(script);
    const manager = await dial([first.path]);
    expect(asked).toEqual([{ minProtocolVersion: 1, maxProtocolVersion: 1, brokerVersion: "1.2.3" }]);
    expect(manager.managerName).toBe("scripted");
    await first.stop();
    expect(await refusalOf(manager.readSecret("NAME", callOf()) as Promise<unknown>)).toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
    });
    await serveScript(script, first.path);
    await expect.poll(() => manager.up.length, { timeout: 15_000 }).toBe(2);
    expect(asked).toHaveLength(2);
    expect(await manager.readSecret("NAME", callOf())).toMatchObject({ value: "value" });
  });

  it.each([
    ["another version", { protocolVersion: 2 }, "CONFIG_INVALID"],
    ["no version", { protocolVersion: 0 }, "CONFIG_INVALID"],
    ["no name", { name: "" }, "MANAGER_REPLY_INVALID"],
    ["a name that is too long", { name: "n".repeat(129) }, "MANAGER_REPLY_INVALID"],
    ["a name that steers terminals", { name: "a\u001b[2J" }, "MANAGER_REPLY_INVALID"],
  ])("with %s is refused", async (_title, change, reason) => {
    const { path } = await serveScript({ handshake: always({ ...goodHello, ...change }) });
    const refusal = await refusalOf(dial([path]));
    expect(refusal.reason).toBe(reason);
    expect(refusal.message).not.toContain("\u001b");
  });

  it("that is refused by the manager says that no version is shared", async () => {
    const { path } = await serveScript({ handshake: fails(status.FAILED_PRECONDITION) });
    expect(await refusalOf(dial([path]))).toEqual({
      reason: "CONFIG_INVALID",
      message: "the manager does not speak version 1 of the protocol",
    });
  });

  it("decides which members there are; capabilities of later versions count as none", async () => {
    const capabilities = [Capability.WRITE, Capability.PRECONDITIONS, Capability.GRACE_PERIOD, 99 as Capability];
    const { path } = await serveScript({ handshake: always({ ...goodHello, capabilities }) });
    const manager = await dial([path]);
    expect(manager.writeSecret).toBeDefined();
    expect(manager.deleteSecret).toBeUndefined();
    expect(manager.supports).toEqual({ preconditions: true, idempotency: false, expiry: false, gracePeriod: false });
  });

  it("bounds payloads and calls at once", async () => {
    let [now, most] = [0, 0];
    const { path } = await serveScript({
      handshake: always({ ...goodHello, maxPayloadBytes: 4n, maxConcurrentCalls: 2 }),
      readSecret: (_call, callback) => {
        now += 1;
        most = Math.max(most, now);
        setTimeout(() => {
          now -= 1;
          callback(null, found());
        }, 5);
      },
    });
    const manager = await dial([path]);
    await Promise.all(Array.from({ length: 20 }, async () => await manager.readSecret("NAME", callOf())));
    expect(most).toBe(2);
    const write = manager.writeSecret?.("NAME", "12345", {}, callOf()) as Promise<unknown>;
    expect(await refusalOf(write)).toMatchObject({ reason: "FIELD_INVALID" });
  });

  it("of an instance that can do less than at the start keeps that one out", async () => {
    const first = await serveScript(reads);
    const manager = await dial([first.path]);
    await first.stop();
    const less = HandshakeResponse.fromPartial({ ...goodHello, capabilities: [Capability.WRITE] });
    await serveScript({ ...reads, handshake: always(less) }, first.path);
    await expect.poll(() => manager.down.at(-1), { timeout: 15_000 }).toContain("restart the broker");
    expect((await refusalOf(manager.readSecret("NAME", callOf()) as Promise<unknown>)).reason).toBe(
      "MANAGER_UNAVAILABLE",
    );
  });
});

describe("the environment", () => {
  it("that is wrong refuses the start; notes are passed on, but no more than twenty", async () => {
    const notes = Array.from({ length: 50 }, (_, index) => `note ${String(index)}`);
    const wrong = await serveScript({ validateEnvironment: always({ valid: false, notes }) });
    expect((await refusalOf(dial([wrong.path]))).message).toContain("what it needs is not there");
    const right = await serveScript({ validateEnvironment: always({ valid: true, notes }) });
    expect((await dial([right.path])).notes).toHaveLength(20);
  });
});

describe("a call", () => {
  it("carries the remaining time, the trace, the request id, the principal and the options", async () => {
    let seen: { deadline: number; metadata: Metadata; request: unknown } | undefined;
    const { path } = await serveScript({
      readSecret: (call, callback) => {
        seen = { deadline: Number(call.getDeadline()), metadata: call.metadata, request: call.request };
        callback(null, found());
      },
    });
    const manager = await dial([path]);
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const deadline = new Date(Date.now() + 5_000);
    await manager.readSecret("NAME", callOf({ traceparent, deadline, options: { region: "eu" } }));
    expect(Math.abs((seen?.deadline ?? 0) - deadline.getTime())).toBeLessThan(1_000);
    expect(seen?.metadata.get("traceparent")).toEqual([traceparent]);
    expect(seen?.request).toEqual({
      name: "NAME",
      version: undefined,
      call: { requestId: "request-1", principal: "test", options: { region: "eu" } },
    });
    await manager.readSecret("NAME", callOf({ traceparent: "not one" }));
    expect(seen?.metadata.get("traceparent")).toEqual([]);
  });

  it("that hangs ends at its deadline, and is cancelled at the manager when its caller goes away", async () => {
    const cancelled: boolean[] = [];
    const { path } = await serveScript({
      readSecret: (call) => {
        call.on("cancelled", () => cancelled.push(true));
      },
    });
    const manager = await dial([path]);
    const late = manager.readSecret("NAME", callOf({ deadline: new Date(Date.now() + 50) }));
    expect((await refusalOf(late as Promise<unknown>)).reason).toBe("MANAGER_TIMEOUT");
    const leaving = new AbortController();
    const left = manager.readSecret("NAME", callOf({ signal: leaving.signal })) as Promise<unknown>;
    setTimeout(() => leaving.abort(new Error("the caller went away")), 50);
    await expect(left).rejects.toThrow("the caller went away");
    await expect.poll(() => cancelled.length, { timeout: 10_000 }).toBe(2);
  });

  it("goes to the instances in turn, and to those that are well as long as one is", async () => {
    const names = ["one", "two"];
    const paths = await Promise.all(
      names.map(async (name, index) => {
        const script: Script = {
          readSecret: always({ ...found(), description: name }),
          checkHealth: always({ healthy: index === 0 }),
        };
        return (await serveScript(script)).path;
      }),
    );
    const manager = await dial(paths);
    const ask = async (): Promise<string> => JSON.stringify(await manager.readSecret("NAME", callOf()));
    const first = await Promise.all([ask(), ask(), ask(), ask()]);
    for (const name of names) expect(first.filter((reply) => reply.includes(name))).toHaveLength(2);
    expect(await manager.checkHealth?.(callOf())).toBe(true);
    const then = await Promise.all([ask(), ask(), ask(), ask()]);
    expect(then.filter((reply) => reply.includes("one"))).toHaveLength(4);
  });
});

describe("a hundred connections", () => {
  it("that are made, used and lost cost no descriptor", { timeout: 60_000 }, async () => {
    const { path } = await serveScript(reads);
    const open = (): number => readdirSync("/proc/self/fd").length;
    let before = 0;
    for (let round = 0; round < 105; round += 1) {
      const manager = await dial([path]);
      await manager.readSecret("NAME", callOf());
      await manager.close?.();
      if (round === 4) before = open();
    }
    await expect.poll(open, { timeout: 10_000 }).toBeLessThanOrEqual(before);
  });
});

describe("what is no manager", () => {
  it.each([
    ["writes garbage", (): Buffer => randomBytes(4_096)],
    ["speaks HTTP/1.1", (): Buffer => Buffer.from("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")],
    ["says nothing", (): undefined => undefined],
  ])("and %s is given up after the time for a start", async (_title, say) => {
    const folder = await mkdtemp(join(tmpdir(), "garbage-"));
    const path = join(folder, "manager.sock");
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      const bytes = say();
      if (bytes !== undefined) socket.write(bytes);
    }).listen(path);
    onTestFinished(async () => {
      server.close();
      await rm(folder, { recursive: true });
    });
    expect((await refusalOf(dial([path], 800))).reason).toMatch(/CONFIG_INVALID|MANAGER_UNAVAILABLE/);
  });
});
