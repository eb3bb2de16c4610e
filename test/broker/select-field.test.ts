import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { selectField } from "../../src/broker/select-field.js";
import type { Payload } from "../../src/domain/payload.js";
import { SecretError } from "../../src/domain/secret-error.js";
import { findLeaks, plantCanaries } from "../../src/testkit/index.js";
import { nameOf } from "./open-broker.js";

const name = nameOf("NAME");

function select(payload: Payload, field: string): Payload {
  return selectField({ name, payload, version: 3 }, field).payload;
}

describe("selectField", () => {
  it.each([
    ["a text as it is", '{"a":"it\\u0027s \\"x\\"\\n"}', 'it\'s "x"\n'],
    ["an empty text", '{"a":""}', ""],
    ["true", '{"a": true }', "true"],
    ["null", '{"a":null}', "null"],
    ["a whole number beyond doubles", '{"a":12345678901234567890}', "12345678901234567890"],
    ["a fraction with its zeroes", '{"a": 1.50 }', "1.50"],
    ["an exponent as it is written", '{"a":1E+2}', "1E+2"],
    ["minus zero", '{"a":-0}', "-0"],
    ["a number too large for any double", '{"a":1e999}', "1e999"],
    ["numbers deep inside", '{"a":{"b":[1.0,{"c":12345678901234567890}]}}', '{"b":[1.0,{"c":12345678901234567890}]}'],
    ["an object without its white space", '{"a":{ "b" : "c" }}', '{"b":"c"}'],
    ["an array", '{"a":["x",{}]}', '["x",{}]'],
    ["the last of several of one name", '{"a":"first","a":"last"}', "last"],
    ["the last number of several of one name", '{"a":1.0,"a":2.50}', "2.50"],
    ["a number after an object of one name", '{"a":{"b":1},"a":12345678901234567890}', "12345678901234567890"],
  ])("gives %s", (_label, payload, expected) => {
    expect(select(payload, "a")).toBe(expected);
    expect(select(Buffer.from(payload), "a")).toBe(expected);
  });

  it.each([
    ["__proto__", '{"__proto__":"x"}', "x"],
    ["__proto__", '{"__proto__":{"a":1}}', '{"a":1}'],
    ["constructor", '{"constructor":"x"}', "x"],
    ["", '{"":"x"}', "x"],
    ["a.b", '{"a":{"b":"no"},"a.b":"x"}', "x"],
    ["\u{1f511}", '{"\\ud83d\\udd11":"x"}', "x"],
  ])("takes %j for a name and nothing more", (field, payload, expected) => {
    expect(select(payload, field)).toBe(expected);
  });

  const canaries = plantCanaries();
  it.each<[string, Payload, string]>([
    ["an absent member", canaries.json, "absent"],
    ["a member of the prototype", canaries.json, "toString"],
    ["__proto__ that is not there", canaries.json, "__proto__"],
    ["a member of an array", `["${"x".repeat(9)}"]`, "0"],
    ["the length of an array", "[1]", "length"],
    ["the length of a text", '"text"', "length"],
    ["a member of null", "null", "a"],
    ["a member of a number", "12", "a"],
    ["a member of rawJSON", "12", "rawJSON"],
    ["what is no JSON", `{"password": ${canaries.text}`, "password"],
    ["what is no JSON at all", canaries.text, "a"],
    ["an empty payload", "", "a"],
    ["no bytes", Uint8Array.of(), "a"],
    ["bytes that are not UTF-8", Buffer.concat([Buffer.from('{"a":"'), canaries.bytes, Buffer.from('"}')]), "a"],
    ["JSON nested without end", `${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}`, "a"],
  ])("finds nothing in %s, and quotes nothing of it", (_label, payload, field) => {
    let thrown: unknown;
    try {
      select(payload, field);
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof SecretError)) throw new TypeError("it must be refused");
    expect([thrown.reason, thrown.message]).toEqual(["FIELD_NOT_FOUND", `secret "NAME" has no field "${field}"`]);
    expect(thrown.cause).toBeUndefined();
    expect(findLeaks(`${thrown.message}${String(thrown.stack)}${JSON.stringify(thrown.metadata)}`, canaries)).toEqual(
      [],
    );
  });

  it("answers or refuses at any depth of nesting, and never breaks", () => {
    for (let depth = 100; depth < 60_000; depth = Math.ceil(depth * 1.3)) {
      const inner = `${"[".repeat(depth)}${"]".repeat(depth)}`;
      let outcome: unknown;
      try {
        outcome = select(`{"a":${inner}}`, "a") === inner;
      } catch (error) {
        outcome = error instanceof SecretError && error.reason === "FIELD_NOT_FOUND";
      }
      expect(outcome).toBe(true);
    }
  });

  it("keeps everything else of the secret", () => {
    const secret = Object.freeze({ name, payload: '{"a":"b"}', version: 3, uid: "u", description: "d" });
    expect(selectField(secret, "a")).toEqual({ ...secret, payload: "b" });
  });

  it("gives back any member of any JSON object", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const payload = JSON.stringify(object);
        for (const [field, value] of Object.entries(JSON.parse(payload) as Record<string, unknown>)) {
          expect(select(payload, field)).toBe(typeof value === "string" ? value : JSON.stringify(value));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
