import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isSecretError } from "../../src/domain/secret-error.js";
import type { SecretStore } from "../../src/store/secret-store.js";
import { openPostgresStore } from "../managers/postgres/open-postgres-store.js";
import { isPostgresMissing, titleOf } from "../managers/postgres/postgres-programs.js";
import { Relay } from "../managers/postgres/relay.js";
import { PostgresServerProcess } from "../managers/postgres/start-postgres.js";
import { range } from "../managers/postgres/tables.js";
import { storeCall } from "../store/store-call.js";
import { findViolation, type Operation } from "./find-violation.js";
import { type Input, oneSecret, type Output } from "./one-secret.js";

/** How many histories of each kind; more are `SECRET_BROKER_HISTORIES=100 npx vitest run test/fault/linearizable`. */
const histories = Number(process.env["SECRET_BROKER_HISTORIES"] ?? "3");

const clients = 12;
const operationsPerClient = 80;
const names = ["A", "B", "c/d"];

type History = Operation<Input, Output>[];

/** Records what clients of some brokers do with a few names. */
class Recorder {
  readonly byName: ReadonlyMap<string, History> = new Map(names.map((name) => [name, []]));
  /** Each version that somebody was told to have written. */
  readonly written: string[] = [];
  unknownCount = 0;
  #events = 0;

  async work(store: SecretStore, client: number): Promise<void> {
    let lastSeen = 0;
    for (const turn of range(operationsPerClient)) {
      const name = pick(names);
      const input = chooseInput(`${String(client)}.${String(turn)}`, lastSeen);
      const askedAt = (this.#events += 1);
      const outcome = await this.#ask(store, name, input);
      const answeredAt = (this.#events += 1);
      if (typeof outcome === "object" && "version" in outcome) lastSeen = outcome.version;
      if (outcome === "not done") continue;
      const output = outcome === "unknown" ? undefined : outcome;
      if (output === undefined) this.unknownCount += 1;
      this.byName.get(name)?.push({ input, output, askedAt, answeredAt });
    }
  }

  /** What the store answers, or the reason for which it refuses. */
  async #ask(store: SecretStore, name: string, input: Input): Promise<Output> {
    try {
      return await this.#perform(store, name, input);
    } catch (error) {
      if (!isSecretError(error)) throw error;
      if (error.reason !== "MANAGER_UNAVAILABLE") return error.reason;
      // A read changes nothing, and a broker that does not say that it does not know says that nothing was done.
      return input.kind !== "read" && error.metadata["outcome"] === "unknown" ? "unknown" : "not done";
    }
  }

  async #perform(store: SecretStore, name: string, input: Input): Promise<Output> {
    if (input.kind === "read") {
      const reply = await store.readSecret(name);
      return reply === undefined ? "absent" : { value: String(reply.value), version: reply.version ?? 0 };
    }
    if (input.kind === "delete") {
      const options = { recoveryWindowInDays: input.isForEver ? 0 : 1 };
      return (await store.deleteSecret(name, options, storeCall())).status;
    }
    const { value, expectedVersion } = input;
    const { uid, version = 0 } = await store.writeSecret(name, value, { expectedVersion }, storeCall());
    this.written.push(`${String(uid)} ${String(version)}`);
    return version;
  }
}

function chooseInput(value: string, lastSeen: number): Input {
  const dice = Math.random();
  if (dice < 0.4) return { kind: "read" };
  if (dice < 0.6) return { kind: "write", value, expectedVersion: undefined };
  if (dice < 0.85) return { kind: "write", value, expectedVersion: lastSeen };
  if (dice < 0.92) return { kind: "write", value, expectedVersion: 0 };
  return { kind: "delete", isForEver: dice > 0.99 };
}

function pick<T>(choices: readonly T[]): T {
  const chosen = choices[Math.floor(Math.random() * choices.length)];
  if (chosen === undefined) throw new Error("there is no choice");
  return chosen;
}

describe.skipIf(isPostgresMissing)(titleOf("two brokers on one PostgreSQL"), () => {
  let server: PostgresServerProcess;

  beforeAll(async () => {
    server = await PostgresServerProcess.start();
  });

  afterAll(async () => {
    await server.remove();
  });

  /** One history of two brokers in a schema of its own, while something happens to the server or the way to it. */
  async function record(
    schema: string,
    disturb: (signal: AbortSignal) => Promise<void>,
    url: string = server.url(),
  ): Promise<Recorder> {
    const options = { server: url, schema };
    const stores = [await openPostgresStore(options), await openPostgresStore(options)] as const;
    const recorder = new Recorder();
    const ending = new AbortController();
    const disturbing = disturb(ending.signal);
    await Promise.all(range(clients).map((client) => recorder.work(stores[client % 2 === 0 ? 0 : 1], client)));
    ending.abort();
    await disturbing;
    await Promise.all(stores.map((store) => store.close()));
    return recorder;
  }

  function assertLinearizable({ byName, written }: Recorder): void {
    for (const [name, history] of byName) {
      const left = findViolation(history, oneSecret) ?? [];
      expect([name, ...left.slice(0, clients * 2).map(describeOperation)]).toEqual([name]);
    }
    expect(new Set(written).size).toBe(written.length);
    expect(written.length).toBeGreaterThan(clients);
  }

  it("are one secret manager to all their clients", { timeout: 3_600_000 }, async () => {
    for (const index of range(histories)) {
      const recorder = await record(`calm_${String(index)}`, () => Promise.resolve());
      assertLinearizable(recorder);
      expect(recorder.unknownCount).toBe(0);
    }
  });

  it("are so while their sessions are ended again and again", { timeout: 3_600_000 }, async () => {
    const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'secret-broker' AND state <> 'idle' AND random() < 0.5`;
    for (const index of range(histories)) {
      const recorder = await record(`ended_${String(index)}`, async (signal) => {
        while (!signal.aborted) {
          await server.sql(sql);
          await wait(Math.random() * 100);
        }
      });
      assertLinearizable(recorder);
    }
  });

  it("are so while commits and their answers are lost on the way", { timeout: 3_600_000 }, async () => {
    const relay = await Relay.start(server.port);
    const url = server.url().replace(String(server.port), String(relay.port));
    let unknownCount = 0;
    for (const index of range(histories)) {
      const disturb = async (signal: AbortSignal): Promise<void> => {
        relay.judge((message) => {
          if (!message.includes("COMMIT") || Math.random() > 0.15) return "forward";
          return Math.random() < 0.5 ? "drop and cut" : "forward and cut";
        });
        await once(signal, "abort");
        relay.judge(() => "forward");
      };
      const recorder = await record(`lost_${String(index)}`, disturb, url);
      assertLinearizable(recorder);
      unknownCount += recorder.unknownCount;
    }
    await relay.stop();
    expect(unknownCount).toBeGreaterThan(histories);
  });
});

function describeOperation({ input, output, askedAt, answeredAt }: Operation<Input, Output>): string {
  const end = output === undefined ? "?" : String(answeredAt);
  return `${String(askedAt)} to ${end}: ${JSON.stringify(input)} gave ${JSON.stringify(output)}`;
}

describe("the search for an order", () => {
  /** Operations by question, answer, input and output. */
  function history(...operations: readonly (readonly [number, number, Input, Output | undefined])[]): History {
    return operations.map(([askedAt, answeredAt, input, output]) => ({ askedAt, answeredAt, input, output }));
  }

  const read: Input = { kind: "read" };
  const remove: Input = { kind: "delete", isForEver: true };

  function write(value: string, expectedVersion?: number): Input {
    return { kind: "write", value, expectedVersion };
  }

  it.each([
    ["one after the other", history([1, 2, write("a"), 1], [3, 4, read, { value: "a", version: 1 }])],
    [
      "at once, in the order that fits",
      history([1, 6, write("a"), 2], [2, 5, write("b"), 1], [7, 8, read, { value: "a", version: 2 }]),
    ],
    [
      "a read that sees what is not answered yet",
      history([1, 6, write("a"), 1], [2, 3, read, { value: "a", version: 1 }]),
    ],
    ["what perhaps was done, and was not", history([1, 2, write("a"), undefined], [3, 4, read, "absent"])],
    [
      "what perhaps was done, and was, later",
      history(
        [1, 2, write("a"), undefined],
        [3, 4, read, "absent"],
        [5, 6, read, { value: "a", version: 1 }],
        [7, 8, write("b", 1), 2],
      ),
    ],
  ])("finds one: %s", (_how, operations) => {
    expect(findViolation(operations, oneSecret)).toBeUndefined();
  });

  it.each([
    [
      "a read of what was replaced",
      history([1, 2, write("a"), 1], [3, 4, write("b"), 2], [5, 6, read, { value: "a", version: 1 }]),
    ],
    ["a write that is lost", history([1, 2, write("a"), 1], [3, 4, read, "absent"])],
    [
      "two that win over one version",
      history([1, 2, write("a"), 1], [3, 6, write("b", 1), 2], [4, 5, write("c", 1), 2]),
    ],
    ["two that both create", history([1, 4, write("a", 0), 1], [2, 3, write("b", 0), 1])],
    [
      "a value that comes back",
      history([1, 2, write("a"), 1], [3, 4, remove, "deleted"], [5, 6, read, { value: "a", version: 1 }]),
    ],
    [
      "reads that go backwards",
      history(
        [1, 2, write("a"), 1],
        [3, 10, write("b"), 2],
        [4, 5, read, { value: "b", version: 2 }],
        [6, 7, read, { value: "a", version: 1 }],
      ),
    ],
    [
      "what is seen before it was asked for",
      history([1, 2, read, { value: "a", version: 1 }], [3, 4, write("a"), undefined]),
    ],
    [
      "what perhaps was done, and was and was not",
      history([1, 2, write("a"), undefined], [3, 4, read, { value: "a", version: 1 }], [5, 6, read, "absent"]),
    ],
    ["a refusal without a reason", history([1, 2, write("a"), 1], [3, 4, write("b", 1), "VERSION_MISMATCH"])],
  ])("finds none: %s", (_how, operations) => {
    expect(findViolation(operations, oneSecret)).not.toBeUndefined();
  });

  it("finds one answer of many that is wrong", () => {
    const operations = range(300).map((index) => {
      const version = Math.floor(index / 2) + 1;
      const value = String(version);
      const [input, output]: [Input, Output] = index % 2 === 0 ? [write(value), version] : [read, { value, version }];
      return { input, output, askedAt: index * 2, answeredAt: index * 2 + 5 };
    });
    expect(findViolation(operations, oneSecret)).toBeUndefined();
    const wrong = operations.map((one, index) =>
      index === 151 ? { ...one, output: { value: "70", version: 70 } } : one,
    );
    const left = findViolation(wrong, oneSecret);
    expect(left).toContainEqual(wrong[151]);
    expect(left?.length).toBeLessThan(160);
  });
});
