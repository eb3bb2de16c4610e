import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { SecretManager } from "../../src/contract/secret-manager.js";
import { isSecretError, SecretError } from "../../src/domain/secret-error.js";
import { findLeaks, plantCanaries } from "../../src/testkit/index.js";
import { guard, liveCall, nameOf, shortCall } from "./open-broker.js";

const name = nameOf("NAME");
const canaries = plantCanaries();

/** A manager whose every read does the same. */
function reader(readSecret: () => unknown): SecretManager {
  return { managerName: "hostile", readSecret: readSecret as SecretManager["readSecret"] };
}

async function failureOf(work: Promise<unknown>): Promise<SecretError> {
  const thrown: unknown = await work.then(
    () => new Error("nothing was thrown"),
    (error: unknown) => error,
  );
  if (!isSecretError(thrown)) throw new Error("something other than a SecretError came through", { cause: thrown });
  return thrown;
}

/** Everything of an error that could reach the caller: all but its cause. */
function shownOf(error: SecretError): string {
  const { message, reason, metadata, violations, stack } = error;
  return inspect({ message, reason, metadata, violations, stack }, { depth: 10, maxStringLength: null });
}

const throwing = (thrown: unknown) => (): never => {
  // What a manager throws need not be an error.
  throw thrown;
};

const hostileProxy = (): object => {
  const refuse = throwing(new Error(canaries.text));
  return new Proxy(new Error(canaries.text), { get: refuse, has: refuse, getPrototypeOf: refuse, ownKeys: refuse });
};

const things: readonly (readonly [string, unknown])[] = [
  ["an error", new Error(canaries.text)],
  ["an error with a cause", new Error("outer", { cause: new Error(canaries.json) })],
  ["a string", canaries.text],
  ["null", null],
  ["undefined", undefined],
  ["a number", 7],
  ["an object", { message: canaries.text, reason: "SECRET_NOT_FOUND" }],
  ["an object with a null prototype", Object.assign(Object.create(null), { message: canaries.text })],
  ["bytes", canaries.bytes],
  ["a symbol", Symbol(canaries.text)],
  ["a function", () => canaries.text],
  ["an error without a constructor", Object.assign(new Error(canaries.text), { constructor: undefined })],
  ["an error whose texts are objects", Object.assign(new Error(), { message: { canaries }, stack: [canaries.text] })],
  [
    "an error whose getters throw",
    Object.defineProperties(new Error(), {
      message: { get: throwing(new Error(canaries.text)) },
      stack: { get: throwing(canaries.text) },
      cause: { get: throwing(canaries.text) },
    }),
  ],
  ["a proxy that throws whatever is done to it", hostileProxy()],
  [
    "our own error type with a secret in every place",
    new SecretError("MANAGER_UNAVAILABLE", canaries.text, {
      metadata: { name: canaries.json, [canaries.json]: "x" },
      violations: [{ field: canaries.json, description: canaries.text }],
      cause: canaries.text,
    }),
  ],
  ["our own error type with a reason that is the broker's", new SecretError("POLICY_DENIED", canaries.text)],
  ["our own error type that claims a cancellation", new SecretError("CALL_CANCELLED", canaries.text)],
  [
    "our own error type without its members",
    Object.assign(new SecretError("INTERNAL_ERROR", canaries.text), { metadata: undefined, retryAfterMs: "soon" }),
  ],
];

describe.each(things)("a manager that throws %s", (_label, thrown) => {
  const ways: readonly (readonly [string, () => unknown])[] = [
    ["at once", throwing(thrown)],
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    ["in a promise", () => Promise.reject(thrown)],
    ["from a getter of its reply", () => Object.defineProperty({}, "then", { get: throwing(thrown) })],
  ];

  it.each(ways)("%s is MANAGER_UNAVAILABLE, and nothing of it gets out", async (_way, readSecret) => {
    const { guarded, lines } = guard(reader(readSecret));
    const error = await failureOf(guarded.read(liveCall(), { name }));
    expect(error.reason).toBe("MANAGER_UNAVAILABLE");
    expect(error.message).toBe("the manager hostile could not answer");
    expect(findLeaks(shownOf(error), canaries)).toEqual([]);
    expect(findLeaks(lines.join(""), canaries)).toEqual([]);
    expect(lines).toHaveLength(1);
  });

  it("at its health check is not healthy", async () => {
    const { guarded } = guard({ ...reader(() => undefined), checkHealth: throwing(thrown) });
    expect(await guarded.isHealthy(liveCall())).toBe(false);
  });
});

describe("a manager that throws our own error type", () => {
  const told = [
    ["SECRET_NOT_FOUND", 'secret "NAME" does not exist'],
    ["VERSION_NOT_FOUND", 'secret "NAME" has no such version'],
    ["SECRET_DELETED", 'secret "NAME" is deleted'],
    ["VERSION_MISMATCH", 'secret "NAME" has another active version than expected'],
    ["SECRET_EXISTS", 'secret "NAME" already exists'],
    ["IDEMPOTENCY_CONFLICT", 'secret "NAME" was written with this request id and other content'],
    ["PAYLOAD_CORRUPT", 'secret "NAME" is stored with bytes that do not verify'],
    ["CAPABILITY_UNSUPPORTED", "hostile does not support this read"],
    ["MANAGER_QUOTA", "the manager hostile has reached a limit"],
    ["MANAGER_TIMEOUT", "the manager hostile did not answer before the deadline"],
    ["REVISION_COMPACTED", "the manager hostile no longer has that revision"],
  ] as const;

  it.each(told)("keeps %s and gets its own words replaced", async (reason, message) => {
    const metadata = {
      name: canaries.text,
      note: canaries.json,
      current_version: "3",
      restorable_until: canaries.text,
    };
    const thrown = new SecretError(reason, canaries.text, { metadata });
    const { guarded, lines } = guard(reader(throwing(thrown)));
    const error = await failureOf(guarded.read(liveCall(), { name }));
    expect([error.reason, error.message]).toEqual([reason, message]);
    expect(findLeaks(shownOf(error) + lines.join(""), canaries)).toEqual([]);
  });

  it("may add a version and a wait that are plain, and nothing else", async () => {
    const thrown = new SecretError("VERSION_MISMATCH", "x", { metadata: { current_version: "3", other: "4" } });
    const mismatch = await failureOf(guard(reader(throwing(thrown))).guarded.read(liveCall(), { name }));
    expect(mismatch.metadata).toEqual({ name: "NAME", current_version: "3" });
    const waits = [250, -1, Number.NaN, Number.POSITIVE_INFINITY];
    const told = waits.map(async (retryAfterMs) => {
      const quota = new SecretError("RATE_LIMITED", "x", { retryAfterMs });
      const error = await failureOf(guard(reader(throwing(quota))).guarded.read(liveCall(), { name }));
      return [error.reason, error.retryAfterMs];
    });
    expect(await Promise.all(told)).toEqual([
      ["MANAGER_QUOTA", 250],
      ["MANAGER_QUOTA", undefined],
      ["MANAGER_QUOTA", undefined],
      ["MANAGER_QUOTA", undefined],
    ]);
  });

  it("is understood when its class comes from another copy of the package", async () => {
    const foreign = Object.assign(new Error(canaries.text), { reason: "SECRET_DELETED", metadata: {} });
    Object.defineProperty(foreign, Symbol.for("secretbroker.dev/SecretError"), { value: true });
    const error = await failureOf(guard(reader(throwing(foreign))).guarded.read(liveCall(), { name }));
    expect([error.reason, error.message]).toEqual(["SECRET_DELETED", 'secret "NAME" is deleted']);
  });
});

const lying = Uint8Array.from({ length: 64 }, () => 1);
Object.defineProperty(lying, "byteLength", { value: 1 });
Object.defineProperty(lying, "length", { value: 1 });

const replies: readonly (readonly [string, unknown])[] = [
  ["null", null],
  ["a number", 7],
  ["NaN", Number.NaN],
  ["a bigint", 7n],
  ["true", true],
  ["a symbol", Symbol(canaries.text)],
  ["a function", () => canaries.text],
  ["an array", [canaries.text]],
  ["an empty object", {}],
  ["an object with another member", { payload: canaries.text }],
  ["a number as the value", { value: 7 }],
  ["null as the value", { value: null }],
  ["a lone surrogate", `${canaries.text}\ud800`],
  ["a lone surrogate as the value", { value: "\udc00" }],
  ["more bytes than allowed", new Uint8Array(33)],
  ["more bytes than allowed that claim to be few", lying],
  ["more text than allowed", "a".repeat(33)],
  ["fewer characters but more bytes than allowed", "\u20ac".repeat(11)],
  ["version 0", { value: "v", version: 0 }],
  ["a negative version", { value: "v", version: -1 }],
  ["half a version", { value: "v", version: 1.5 }],
  ["a version beyond 32 bits", { value: "v", version: 2 ** 32 }],
  ["a version in words", { value: "v", version: canaries.text }],
  ["an invalid Date", { value: "v", createTime: new Date(Number.NaN) }],
  ["a date in words", { value: "v", expireTime: "2030-01-01" }],
  ["a date as a number", { value: "v", createTime: 0 }],
  ["a number as uid", { value: "v", uid: 7 }],
  ["a description without end", { value: "v", description: "d".repeat(4_097) }],
  ["a description with a lone surrogate", { value: "v", description: "\ud800" }],
  ["tags of numbers", { value: "v", tags: { a: 1 } }],
  ["tags of null", { value: "v", tags: { a: null } }],
  ["an array of tags", { value: "v", tags: [canaries.text] }],
  ["tags in words", { value: "v", tags: canaries.text }],
  ["tags with a lone surrogate", { value: "v", tags: { a: "\ud800" } }],
  ["tags with a key that is no Unicode", { value: "v", tags: { "\ud800": "a" } }],
  ["a proxy whose members throw", new Proxy({}, { get: throwing(new Error(canaries.text)) })],
  ["a getter that throws", Object.defineProperty({}, "value", { get: throwing(canaries.text) })],
  ["a getter that throws a hostile proxy", Object.defineProperty({}, "value", { get: throwing(hostileProxy()) })],
  ["a revoked proxy as the value", { value: revoked() }],
];

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe.each(replies)("a manager that answers %s", (_label, reply) => {
  it.each([
    ["at once", () => reply],
    ["in a promise", () => Promise.resolve([reply]).then(([inner]) => inner)],
  ])("%s gave an invalid reply, of which nothing gets out", async (_way, readSecret) => {
    const { guarded, lines } = guard(reader(readSecret), 32);
    const error = await failureOf(guarded.read(shortCall(5_000), { name }));
    expect(["MANAGER_REPLY_INVALID", "MANAGER_UNAVAILABLE"]).toContain(error.reason);
    expect(error.message).toMatch(/^the manager hostile (gave an invalid reply to read: |could not answer$)/);
    expect(findLeaks(shownOf(error) + lines.join(""), canaries)).toEqual([]);
    expect(lines).toHaveLength(1);
  });
});

describe("a manager's good reply", () => {
  it.each([
    ["text", "value", "value"],
    ["empty text", "", ""],
    ["as many bytes as allowed", new Uint8Array(32), new Uint8Array(32)],
    ["as much text as allowed", "\u20ac".repeat(10), "\u20ac".repeat(10)],
    ["a reply without anything else", { value: "v" }, "v"],
    ["a reply with a null prototype", Object.assign(Object.create(null), { value: "v" }), "v"],
  ])("of %s is taken", async (_label, reply, payload) => {
    const secret = await guard(
      reader(() => reply),
      32,
    ).guarded.read(liveCall(), { name });
    expect(secret?.payload).toEqual(payload);
  });

  it("may carry a tag called __proto__, which stays a tag", async () => {
    const tags: unknown = JSON.parse('{"__proto__": "a", "constructor": "b"}');
    const secret = await guard(reader(() => ({ value: "v", tags }))).guarded.read(liveCall(), { name });
    expect(Object.entries(secret?.tags ?? {})).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
    ]);
  });

  it("may be undefined, which is absence and no failure", async () => {
    const { guarded, lines } = guard(reader(() => undefined));
    expect(await guarded.read(liveCall(), { name })).toBeUndefined();
    expect(lines).toEqual([]);
  });
});
