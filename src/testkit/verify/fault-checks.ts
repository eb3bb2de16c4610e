import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import type { SecretManager } from "../../contract/secret-manager.js";
import { SecretManagerService } from "../../gen/secretbroker/manager/v1/secret_manager.js";
import { callFor, type FaultCheck, reasonOf, valueOf, write } from "./fault-check.js";

const rounds = 8;
const writers = 8;
const settleMs = 50;

/** Values that have broken stores, encodings and logs before. */
const hostileValues: readonly string[] = [
  "",
  "\0",
  "a\0b",
  "\ufeffmark",
  "\u202eright to left",
  "line\r\nline\rline\n",
  '{"a":"\\u0000"}',
  "'; drop table secrets; --",
  "${jndi:x}{{7*7}}%s%n",
  "\u{1f511}".repeat(1_000),
  " ",
];

/** What must hold when the way to a manager is bad, or what comes over it. */
export const faultChecks: readonly FaultCheck[] = [
  {
    name: "latency: answers as it should when every piece of a message is held up",
    needs: ["write"],
    async check({ manager, relay }) {
      relay.delayMs = 40;
      await Promise.all(each(writers, (index) => write(manager, `SLOW_${String(index)}`, [`value ${String(index)}`])));
      for (let index = 0; index < writers; index += 1) {
        assert.equal(await valueOf(manager, `SLOW_${String(index)}`), `value ${String(index)}`);
      }
    },
  },
  {
    name: "latency: gives up at the deadline, and answers the next call",
    needs: [],
    async check({ manager, relay }) {
      relay.delayMs = 60;
      const late = each(20, () => reasonOf(readWithin(manager, 5)));
      for (const reason of await Promise.all(late)) assert.ok(reason === undefined || reason === "MANAGER_TIMEOUT");
      relay.delayMs = 0;
      assert.equal(await valueOf(manager, "ABSENT"), undefined);
    },
  },
  {
    name: "errors: loses nothing it acknowledged, and tears no value, when connections break in the middle of writes",
    needs: ["write"],
    async check({ manager, relay, reconnect }) {
      const kept = new Map<string, string[]>();
      let current = manager;
      for (let round = 0; round < rounds; round += 1) {
        const writing = each(writers, (index) => writeAndKeep(current, kept, [index, round]));
        await delay(Math.random() * 8);
        relay.cut();
        await Promise.all(writing);
        // What has arrived but was not answered is done by then.
        await delay(settleMs);
        if (current !== manager) await current.close?.();
        current = await reconnect();
        for (const [name, possible] of kept) {
          assert.ok(possible.includes(String(await valueOf(current, name))), "an acknowledged value must be there");
        }
      }
      if (current !== manager) await current.close?.();
    },
  },
  {
    name: "errors: serves the others when callers go away in the middle of calls",
    needs: ["write"],
    async check({ manager }) {
      const leaving = new AbortController();
      const calls = each(32, (index) => abandon(manager, `GONE_${String(index)}`, leaving.signal));
      await delay(2);
      leaving.abort(new Error("gone"));
      await Promise.all(calls);
      await write(manager, "STAYS", ["value"]);
      assert.equal(await valueOf(manager, "STAYS"), "value");
    },
  },
  {
    name: "duplicates: writes once what comes twice under one request id",
    needs: ["write", "idempotency", "versions"],
    async check({ manager }) {
      const first = await write(manager, "TWICE", ["first"]);
      const versions = await Promise.all(each(6, () => write(manager, "TWICE", ["second", "twice"])));
      assert.deepEqual(new Set(versions), new Set([(first ?? 0) + 1]));
    },
  },
  {
    name: "duplicates: keeps one whole value when the same write comes several times at once",
    needs: ["write"],
    async check({ manager }) {
      const values = each(6, (index) => `value ${String(index)};`.repeat(2_000));
      await Promise.all(values.map((value) => write(manager, "MANY", [value])));
      assert.ok(values.includes(String(await valueOf(manager, "MANY"))), "one of the values must be there, whole");
    },
  },
  {
    name: "torn pages: lists in order, each name once, when a page is asked for twice and others are written between",
    needs: ["write", "list"],
    check: async ({ manager }) => {
      for (let index = 0; index < 12; index += 1) await write(manager, `P${String(index + 10)}`, ["value"]);
      const names: string[] = [];
      let pageToken: string | undefined;
      for (let page = 0; page < 40; page += 1) {
        const [one, again] = [await listFive(manager, pageToken), await listFive(manager, pageToken)];
        assert.deepEqual(again.names, one.names, "a page that is asked for again must be the same");
        names.push(...one.names);
        if (one.next === undefined) break;
        pageToken = one.next;
        await write(manager, "A_BEFORE", [String(page)]);
      }
      assert.deepEqual(names, [...new Set(names)].sort(), "names must come in order, and once");
    },
  },
  {
    name: "torn pages: refuses a page token it never gave, and goes on",
    needs: ["list"],
    async check({ manager }) {
      for (const token of ["x", "\u{1f511}", "0".repeat(2_048), "../..", '{"after":"x"}']) {
        const reason = await reasonOf(listFive(manager, token));
        assert.notEqual(reason, "MANAGER_TIMEOUT", "a foreign page token must be answered in time");
      }
      await listFive(manager, undefined);
    },
  },
  {
    name: "hostile values: keeps each exactly",
    needs: ["write"],
    async check({ manager }) {
      for (const value of hostileValues) {
        await write(manager, "HOSTILE", [value]);
        assert.ok((await valueOf(manager, "HOSTILE")) === value, `must be kept: ${JSON.stringify(value.slice(0, 30))}`);
      }
    },
  },
  {
    name: "hostile values: survives requests that are no messages, on every RPC",
    needs: [],
    async check({ manager, sendRaw }) {
      const broken = [Buffer.from([0xff]), Buffer.from([0x0a, 0x7f, 0x41]), Buffer.from([0x0a, 0x02, 0xc3, 0x28])];
      const rpcs = Object.entries(SecretManagerService).filter(([, { responseStream }]) => !responseStream);
      for (const [, { path }] of rpcs) {
        for (const request of broken) {
          assert.notEqual(await sendRaw(path, request), status.DEADLINE_EXCEEDED, `${path} must end in time`);
        }
      }
      assert.equal(await valueOf(manager, "ABSENT"), undefined);
    },
  },
];

function each<T>(count: number, work: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => work(index));
}

async function readWithin(manager: SecretManager, timeoutMs: number): Promise<unknown> {
  return await manager.readSecret("ABSENT", callFor({ deadline: new Date(Date.now() + timeoutMs) }));
}

async function abandon(manager: SecretManager, name: string, signal: AbortSignal): Promise<void> {
  try {
    await manager.writeSecret?.(name, "value", {}, callFor({ signal }));
  } catch {
    // It was to be abandoned.
  }
}

/** What may be there afterwards: what was acknowledged last, or what was sent after it. */
async function writeAndKeep(
  manager: SecretManager,
  kept: Map<string, string[]>,
  [index, round]: readonly [number, number],
): Promise<void> {
  const name = `CUT_${String(index)}`;
  const before = kept.get(name) ?? ["undefined"];
  const value = `${name} round ${String(round)};`.repeat(200);
  kept.set(name, [...before, value]);
  const reason = await reasonOf(write(manager, name, [value]));
  if (reason === undefined) kept.set(name, [value]);
}

async function listFive(
  manager: SecretManager,
  pageToken: string | undefined,
): Promise<{ readonly names: readonly string[]; readonly next: string | undefined }> {
  assert.ok(manager.listSecrets !== undefined, "the manager has no listSecrets");
  const query = { prefix: "P", tags: {}, showDeleted: false, pageSize: 5, pageToken };
  const { secrets, nextPageToken } = await manager.listSecrets(query, callFor());
  const next = nextPageToken === "" ? undefined : nextPageToken;
  return { names: secrets.map(({ name }) => name), next };
}
