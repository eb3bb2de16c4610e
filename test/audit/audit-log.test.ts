import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { AuditLog } from "../../src/audit/audit-log.js";
import type { AuditSink } from "../../src/audit/audit-sink.js";
import { createLog } from "../../src/log/create-log.js";
import { exampleRecord, requestIdsIn } from "./example-record.js";
import { openChain } from "./open-chain.js";

const quiet = (): void => undefined;
const log = { error: quiet, warn: quiet, info: quiet, debug: quiet };
const unavailable = { reason: "AUDIT_UNAVAILABLE" };

/** A sink whose every write the test settles by hand. */
class HeldSink implements AuditSink {
  readonly description = "held";
  readonly writes: { readonly lines: string; readonly settle: PromiseWithResolvers<void> }[] = [];
  closed = false;
  /** What tending meets. */
  tending: () => Promise<void> = () => Promise.resolve();

  tend(): Promise<void> {
    return this.tending();
  }

  write(lines: Buffer): Promise<void> {
    const settle = Promise.withResolvers<void>();
    this.writes.push({ lines: lines.toString(), settle });
    return settle.promise;
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  /** The write of that number, once it has come. */
  async nth(index: number): Promise<HeldSink["writes"][number]> {
    return await vi.waitUntil(() => this.writes[index], { timeout: 10_000, interval: 2 });
  }
}

/** Whether a promise has settled by now. */
async function isSettled(work: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  await new Promise(setImmediate);
  return (await Promise.race([work.catch(() => undefined), Promise.resolve(pending)])) !== pending;
}

describe("an audit log", () => {
  it("does not blame a sink for the time its own thread was busy", async () => {
    const sink = new HeldSink();
    const audit = new AuditLog({ sink, log, timeoutMs: 10 });
    sink.write = () => {
      const written = new Promise<void>((resolve) => void setImmediate(resolve));
      // Its end comes in the same turn as the deadline, which went by meanwhile.
      for (const end = performance.now() + 50; performance.now() < end;);
      return written;
    };
    await audit.record(exampleRecord(1));
    expect(audit.healthy).toBe(true);
    await audit.close();
  });

  it("writes the records of one turn together, and those that come meanwhile after them together", async () => {
    const sink = new HeldSink();
    const audit = new AuditLog({ sink, log });
    const turn = [1, 2, 3].map((id) => audit.record(exampleRecord(id)));
    const first = await sink.nth(0);
    const meanwhile = [4, 5].map((id) => audit.record(exampleRecord(id)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sink.writes).toHaveLength(1);
    expect(requestIdsIn(first.lines)).toEqual(["1", "2", "3"]);
    first.settle.resolve();
    await Promise.all(turn);
    const second = await sink.nth(1);
    expect(requestIdsIn(second.lines)).toEqual(["4", "5"]);
    second.settle.resolve();
    await Promise.all(meanwhile);
  });

  it("waits for the records of calls under way, but not of those that wait for something else", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    try {
      const sink = new HeldSink();
      const audit = new AuditLog({ sink, log, callsUnderWay: () => 2 });
      const first = audit.record(exampleRecord(1));
      await new Promise(setImmediate);
      expect(sink.writes).toHaveLength(0);
      const asked = Promise.withResolvers<string>();
      const elsewhere = audit.awaitElsewhere(asked.promise);
      await new Promise(setImmediate);
      expect(sink.writes.map(({ lines }) => requestIdsIn(lines))).toEqual([["1"]]);
      sink.writes[0]?.settle.resolve();
      await first;
      asked.resolve("found");
      expect(await elsewhere).toBe("found");
      const second = audit.record(exampleRecord(2));
      await new Promise(setImmediate);
      expect(sink.writes).toHaveLength(1);
      const third = audit.record(exampleRecord(3));
      await new Promise(setImmediate);
      expect(sink.writes.map(({ lines }) => requestIdsIn(lines))).toEqual([["1"], ["2", "3"]]);
      sink.writes[1]?.settle.resolve();
      await Promise.all([second, third]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("lets nobody go on before its record is written", async () => {
    const sink = new HeldSink();
    const audit = new AuditLog({ sink, log });
    const waiting = audit.record(exampleRecord(1));
    const { settle } = await sink.nth(0);
    expect(await isSettled(waiting)).toBe(false);
    settle.resolve();
    await waiting;
  });

  it("writes each of 10,000 concurrent records once and in order to a real file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "audit-"));
    const path = join(folder, "audit.jsonl");
    let batches = 0;
    let counted = 0;
    const onBatch = (records: number): void => {
      batches += 1;
      counted += records;
    };
    const audit = new AuditLog({ sink: (await openChain(path)).sink, log, onBatch });
    const written: Promise<void>[] = [];
    for (let id = 0; id < 10_000; id += 1) {
      written.push(audit.record(exampleRecord(id)));
      if (id % 97 === 0) await new Promise(setImmediate);
    }
    await Promise.all(written);
    const ids = requestIdsIn(await readFile(path, "utf8"));
    expect(ids).toEqual(Array.from({ length: 10_000 }, (_, id) => String(id)));
    expect(counted).toBe(10_000);
    expect(batches).toBeLessThan(1_000);
    await audit.close();
    await rm(folder, { recursive: true });
  });

  it("writes what is pending when it is closed, then closes the sink", async () => {
    const sink = new HeldSink();
    const audit = new AuditLog({ sink, log });
    const first = audit.record(exampleRecord(1));
    const held = await sink.nth(0);
    const second = audit.record(exampleRecord(2));
    const closing = audit.close();
    await expect(audit.record(exampleRecord(3))).rejects.toMatchObject(unavailable);
    held.settle.resolve();
    const last = await sink.nth(1);
    expect(sink.closed).toBe(false);
    last.settle.resolve();
    await Promise.all([first, second, closing]);
    expect(sink.writes.map(({ lines }) => requestIdsIn(lines))).toEqual([["1"], ["2"]]);
    expect(sink.closed).toBe(true);
  });
});

describe("an audit log whose sink fails", () => {
  it("refuses those who wait and those who come, says so once, and recovers by itself", async () => {
    const sink = new HeldSink();
    const health: boolean[] = [];
    const lines: string[] = [];
    const kept = createLog("trace", { write: (line: string) => lines.push(line) });
    const audit = new AuditLog({ sink, log: kept, onHealth: (healthy) => health.push(healthy) });
    const first = audit.record(exampleRecord(1));
    const { settle } = await sink.nth(0);
    const pending = audit.record(exampleRecord(2));
    settle.reject(Object.assign(new Error("no space left"), { code: "ENOSPC" }));
    await expect(first).rejects.toMatchObject(unavailable);
    await expect(pending).rejects.toMatchObject(unavailable);
    await expect(audit.record(exampleRecord(3))).rejects.toMatchObject(unavailable);
    expect(() => audit.assertAvailable()).toThrow("the call is refused");
    expect([audit.healthy, health]).toEqual([false, [false]]);

    let attempts = 0;
    sink.tending = () => {
      attempts += 1;
      return attempts === 1 ? Promise.reject(new Error("still full")) : Promise.resolve();
    };
    await vi.waitUntil(() => audit.healthy, { timeout: 10_000 });
    expect([attempts, health]).toEqual([2, [false, true]]);
    audit.assertAvailable();
    const after = audit.record(exampleRecord(4));
    (await sink.nth(1)).settle.resolve();
    await after;
    expect(sink.writes.map(({ lines: written }) => requestIdsIn(written))).toEqual([["1"], ["4"]]);
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      "audit records cannot be written; every call is refused",
      "audit records are written again",
    ]);
    await audit.close();
  });

  it("refuses when the sink hangs, and recovers when it settles", async () => {
    const sink = new HeldSink();
    const health: boolean[] = [];
    const audit = new AuditLog({ sink, log, onHealth: (healthy) => health.push(healthy) });
    const hanging = audit.record(exampleRecord(1));
    const { settle } = await sink.nth(0);
    await expect(hanging).rejects.toMatchObject(unavailable);
    await expect(audit.record(exampleRecord(2))).rejects.toMatchObject(unavailable);
    settle.resolve();
    await vi.waitUntil(() => audit.healthy);
    expect(health).toEqual([false, true]);
    const after = audit.record(exampleRecord(3));
    (await sink.nth(1)).settle.resolve();
    await after;
    await audit.close();
  });

  it("gives up closing on a sink that hangs", async () => {
    const sink = new HeldSink();
    const audit = new AuditLog({ sink, log });
    const hanging = audit.record(exampleRecord(1));
    await Promise.all([expect(hanging).rejects.toMatchObject(unavailable), audit.close()]);
    expect(sink.closed).toBe(true);
  });

  it("refuses when what is written cannot be looked after, and while that hangs", async () => {
    const sink = new HeldSink();
    const health: boolean[] = [];
    const audit = new AuditLog({ sink, log, onHealth: (healthy) => health.push(healthy) });
    const hanging = Promise.withResolvers<void>();
    sink.tending = () => hanging.promise;
    await vi.waitUntil(() => health.length === 1, { timeout: 10_000 });
    await expect(audit.record(exampleRecord(1))).rejects.toMatchObject(unavailable);
    hanging.resolve();
    sink.tending = () => Promise.reject(new Error("the mount is gone"));
    await vi.waitUntil(() => health.length === 3, { timeout: 10_000 });
    expect(health).toEqual([false, true, false]);
    await expect(audit.record(exampleRecord(2))).rejects.toMatchObject(unavailable);
    expect(sink.writes).toEqual([]);
    await audit.close();
  });

  it("refuses when the sink throws rather than rejects", async () => {
    const sink = new HeldSink();
    sink.write = () => {
      throw new Error("closed");
    };
    const audit = new AuditLog({ sink, log });
    await expect(audit.record(exampleRecord(1))).rejects.toMatchObject(unavailable);
    await audit.close();
  });
});
