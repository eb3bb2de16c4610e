import { describe, expect, it } from "vitest";
import { SecretError } from "../../src/domain/secret-error.js";
import { type DescribedFailure, describeFailure } from "../../src/log/describe-failure.js";
import { findLeaks, plantCanaries } from "../../src/testkit/index.js";

const canaries = plantCanaries();
const phrase = "correct horse battery staple";
const key = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (thrown) {
    return thrown;
  }
  throw new TypeError("it must throw");
}

const failures: readonly (readonly [string, unknown])[] = [
  ["a message", new Error(canaries.text)],
  ["a message in JSON", new Error(canaries.json)],
  ["a cause", new Error("outer", { cause: new Error(canaries.text) })],
  ["a cause that is a string", new Error("outer", { cause: canaries.text })],
  ["a cause that is an object", new Error("outer", { cause: { canaries } })],
  ["a chain of ten causes", chain(10)],
  ["the name", Object.assign(new Error("x"), { name: canaries.text })],
  ["a member", Object.assign(new Error("x"), { response: { body: canaries.text } })],
  ["the code", Object.assign(new Error("x"), { code: canaries.text })],
  ["a code that looks like a key", Object.assign(new Error("x"), { code: key })],
  ["an aggregate", new AggregateError([new Error(canaries.text), canaries.json], canaries.text)],
  ["the stack, in a line of its message", new Error(`first\n    at ${key} (/a/b.js:1:2)\nlast`)],
  ["a stack that is replaced", Object.assign(new Error("x"), { stack: canaries.text })],
  ["what JSON.parse quotes", thrownBy(() => JSON.parse(`["${phrase}", nope]`))],
  ["what JSON.parse quotes in part", thrownBy(() => JSON.parse(`${phrase} ${canaries.text}`))],
  ["what a URL quotes", thrownBy(() => new URL(canaries.text))],
  ["a string", canaries.text],
  ["bytes", canaries.bytes],
  ["an object", { message: canaries.text, stack: canaries.text, code: canaries.text }],
  ["our own error", new SecretError("FIELD_INVALID", canaries.text, { metadata: { name: canaries.json } })],
];

function chain(length: number): Error {
  const cause = length > 0 ? chain(length - 1) : canaries.text;
  return new Error(`${String(length)} ${canaries.text}`, { cause });
}

describe("describeFailure", () => {
  it.each(failures)("shows nothing of a secret in %s", (_label, thrown) => {
    const text = JSON.stringify(describeFailure(thrown));
    expect(findLeaks(text, { ...canaries, phrase, key })).toEqual([]);
  });

  it.each<[string, (known: string) => unknown]>([
    ["a message", (known) => new Error(`before ${known} after`)],
    ["a cause", (known) => new Error("x", { cause: new Error(known) })],
    ["a code", (known) => Object.assign(new Error("x"), { code: known })],
    ["a class's name", (known) => Object.assign(new Error("x"), { constructor: { [known]: () => undefined }[known] })],
    [
      "a function's name in the stack",
      (known) => Object.assign(new Error("x"), { stack: `Error: x\n    at ${known} (/a.js:1:1)` }),
    ],
  ])("masks a known value in %s", (_label, make) => {
    const known = "CorrectHorseBattery";
    expect(JSON.stringify(describeFailure(make(known), [known]))).not.toContain(known);
  });

  it("keeps what a system error says", () => {
    const thrown = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:5432"), { code: "ECONNREFUSED" });
    expect(describeFailure(thrown)).toMatchObject({
      type: "Error",
      message: "connect ECONNREFUSED 127.0.0.1:5432",
      code: "ECONNREFUSED",
    });
  });

  it.each(["ENOENT", "E2BIG", "EAI_AGAIN", "ERR_HTTP2_STREAM_ERROR", "UND_ERR_CONNECT_TIMEOUT", "ThrottlingException"])(
    "keeps the code %s",
    (code) => {
      expect(describeFailure(Object.assign(new Error("x"), { code })).code).toBe(code);
    },
  );

  it("keeps the reason of our own error, the class of any, and where it was thrown", () => {
    const { code, type, stack } = describeFailure(new SecretError("AUDIT_UNAVAILABLE", "x"));
    expect([code, type]).toEqual(["AUDIT_UNAVAILABLE", "SecretError"]);
    expect(stack?.[0]).toContain("describe-failure.test.ts");
    expect(stack?.length).toBeLessThanOrEqual(8);
  });

  it("follows at most four causes, in a circle too", () => {
    const first = new Error("first");
    first.cause = new Error("second", { cause: first });
    let depth = 0;
    for (let at: DescribedFailure = describeFailure(first); at.cause !== undefined; at = at.cause) depth += 1;
    expect(depth).toBe(4);
  });

  it("survives whatever looking at it throws", () => {
    const fail = (): never => {
      throw new Error(canaries.text);
    };
    const proxy = new Proxy(new Error(), { get: fail, has: fail, getPrototypeOf: fail });
    const getters = Object.defineProperties(new Error(), { message: { get: fail }, stack: { get: fail } });
    const outer = new Error("outer", { cause: proxy });
    for (const thrown of [proxy, getters, outer]) {
      expect(findLeaks(JSON.stringify(describeFailure(thrown)), canaries)).toEqual([]);
    }
    expect(describeFailure(outer)).toMatchObject({ message: "outer", cause: { message: "[scrubbed]" } });
  });
});
