import { describe, expect, it } from "vitest";
import { ReadReplyReader } from "../../src/broker/read-reply-reader.js";
import type { ListQuery, SecretManager } from "../../src/contract/secret-manager.js";
import type { Payload } from "../../src/domain/payload.js";
import { findLeaks, plantCanaries } from "../../src/testkit/index.js";
import { guard, liveCall, nameOf } from "./open-broker.js";

const name = nameOf("NAME");

/** Puts nonsense into everything it can reach, however deep. */
function meddle(value: unknown): void {
  if (value instanceof Uint8Array) value.fill(0);
  if (value instanceof Date) value.setTime(0);
  if (typeof value !== "object" || value === null || value instanceof AbortSignal) return;
  for (const key of Object.keys(value)) {
    meddle(Reflect.get(value, key));
    Reflect.set(value, key, "meddled");
  }
  Reflect.set(value, "added", "meddled");
}

const meddler: SecretManager = {
  managerName: "meddler",
  supports: { expiry: true, preconditions: true, idempotency: true, gracePeriod: true },
  readSecret: (_name, call) => {
    meddle(call.options);
    return undefined;
  },
  writeSecret: (...args) => {
    args.forEach(meddle);
    meddle(args[3].options);
  },
  deleteSecret: (...args) => {
    args.forEach(meddle);
  },
  rotateSecret: (...args) => {
    args.forEach(meddle);
  },
  listSecrets: (query: ListQuery) => {
    meddle(query);
    return { secrets: [] };
  },
  activateSecretVersion: (activated, _version, options) => {
    meddle(options);
    return { name: activated };
  },
  destroySecret: (_name, target) => {
    meddle(target);
  },
};

describe("a manager that changes its arguments", () => {
  it("changes nothing of the caller's", async () => {
    const { guarded } = guard(meddler);
    const options = { list: [1, { deep: true }], text: "t" };
    const change = {
      payload: Uint8Array.of(1, 2, 3),
      description: "d",
      tags: { a: "1" },
      expireTime: new Date(Date.UTC(2099, 0)),
      expectedVersion: 3,
      requestId: "r",
    };
    const query = { prefix: "p", tags: { a: "1" }, showDeleted: false, pageSize: 10 };
    const deletion = { recoveryWindowInDays: 7, expectedVersion: 3 };
    const target = { version: 2 };
    const before = structuredClone({ options, change, query, deletion, target });
    const call = liveCall();
    await guarded.read(call, { name, options });
    await guarded.write(call, { name, options }, change);
    await guarded.delete(call, { name, options }, deletion);
    await guarded.rotate(call, { name, options }, { ...change, newName: nameOf("NEW"), gracePeriodMs: 5 });
    await guarded.list(call, query, options);
    await guarded.activate(call, { name, options }, { version: 1, expectedVersion: 1 });
    await guarded.destroy(call, { name, options }, target);
    expect({ options, change, query, deletion, target }).toEqual(before);
  });

  it("may keep and overwrite the bytes it returned, and the tags and dates beside them", async () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const kept = { value: bytes, tags: { a: "1" }, createTime: new Date(5) };
    const { guarded } = guard({ readSecret: () => kept });
    const secret = await guarded.read(liveCall(), { name });
    meddle(kept);
    bytes.fill(0);
    expect(secret?.payload).toEqual(Uint8Array.of(1, 2, 3));
    expect({ ...secret?.tags }).toEqual({ a: "1" });
    expect(secret?.createTime).toEqual(new Date(5));
  });

  it("may keep and overwrite the bytes it was handed", async () => {
    const handed: Payload[] = [];
    const { guarded } = guard({
      readSecret: () => undefined,
      writeSecret: (_name, value) => {
        handed.push(value);
      },
    });
    const payload = Uint8Array.of(1, 2, 3);
    await guarded.write(liveCall(), { name }, { payload });
    handed.forEach(meddle);
    expect(payload).toEqual(Uint8Array.of(1, 2, 3));
  });
});

describe("a manager that quotes the value it was handed", () => {
  const canaries = plantCanaries();
  const phrase = "correct horse battery staple";
  const quoting: SecretManager = {
    readSecret: () => undefined,
    writeSecret: (_name, value) => {
      throw new Error(`cannot store ${typeof value === "string" ? value : Buffer.from(value).toString("utf8")} here`);
    },
  };

  it.each<[string, Payload]>([
    ["text", phrase],
    ["text that was sent as bytes", Buffer.from(phrase)],
    ["long text", `${phrase} `.repeat(200)],
    ["a canary", canaries.text],
  ])("is logged without it: %s", async (_label, payload) => {
    const { guarded, lines } = guard(quoting);
    await expect(guarded.write(liveCall(), { name }, { payload })).rejects.toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
      message: "the manager Object could not answer",
    });
    expect(lines).toHaveLength(1);
    expect(findLeaks(lines.join(""), { ...canaries, phrase, part: "horse battery" })).toEqual([]);
    expect(lines.join("")).toContain("cannot store");
  });
});

describe("ReadReplyReader", () => {
  const reader = (): ReadReplyReader => new ReadReplyReader(() => 1_024);

  it("remembers a frozen reply of text, for the name it was read under only", () => {
    const reading = reader();
    const reply = Object.freeze({ value: "v", tags: Object.freeze({ a: "1" }) });
    const first = reading.parse(name, reply);
    expect(reading.parse(name, reply)).toBe(first);
    expect(reading.parse(nameOf("OTHER"), reply)?.name).toBe("OTHER");
    expect(Object.isFrozen(first)).toBe(true);
    expect(Object.isFrozen(first?.tags)).toBe(true);
  });

  let value = "first";
  const changing: readonly (readonly [string, () => object, () => void])[] = [
    ["is not frozen", () => ({ value: "v" }), () => undefined],
    ["is frozen but holds bytes", () => Object.freeze({ value: Uint8Array.of(1) }), () => undefined],
    ["is frozen but holds tags that are not", () => Object.freeze({ value: "v", tags: { a: "1" } }), () => undefined],
    [
      "has a getter",
      () =>
        Object.freeze({
          get value() {
            return value;
          },
        }),
      () => (value = "second"),
    ],
    [
      "inherits a getter",
      () =>
        Object.freeze(
          Object.create({
            get value() {
              return value;
            },
          }) as object,
        ),
      () => (value = "third"),
    ],
    [
      "has tags with a getter",
      () =>
        Object.freeze({
          value: "v",
          tags: Object.freeze({
            get a() {
              return value;
            },
          }),
        }),
      () => (value = "fourth"),
    ],
  ];

  it.each(changing)("reads anew a reply that %s", (_label, make, change) => {
    const reading = reader();
    const reply = make();
    const first = reading.parse(name, reply);
    change();
    const second = reading.parse(name, reply);
    expect(second).not.toBe(first);
    expect(second).toEqual(reader().parse(name, reply));
  });

  it("does not remember that a reply was invalid, nor a reply by its version", () => {
    const reading = reader();
    const reply = Object.freeze({ value: "v", version: 2 });
    expect(() => reading.parseVersion(name, 1, reply)).toThrow("the version that was asked for");
    expect(reading.parseVersion(name, 2, reply)?.version).toBe(2);
    expect(() => reading.parseVersion(name, 2, "v")).toThrow("the version that was asked for");
  });
});

describe("an expired version", () => {
  it.each([
    ["just now", -1, undefined],
    ["in an hour", 3_600_000, "v"],
  ])("reads as absent once its time has come: %s", async (_label, inMs, expected) => {
    const reply = Object.freeze({ value: "v", version: 1, expireTime: new Date(Date.now() + inMs) });
    const { guarded } = guard({ readSecret: () => reply, readSecretVersion: () => reply });
    expect((await guarded.read(liveCall(), { name }))?.payload).toBe(expected);
    expect((await guarded.read(liveCall(), { name }))?.payload).toBe(expected);
    expect((await guarded.readVersion(liveCall(), { name }, 1))?.payload).toBe(expected);
  });
});
