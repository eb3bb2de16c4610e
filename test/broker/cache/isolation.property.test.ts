import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cacheKey } from "../../../src/broker/cache/cache-key.js";
import type { ManagerCall } from "../../../src/contract/manager-call.js";
import type { ReadReply, SecretManager, Supports } from "../../../src/contract/secret-manager.js";
import { isSecretError } from "../../../src/domain/secret-error.js";
import { liveCall, nameOf, openBroker } from "../open-broker.js";
import { CacheTime, usual } from "./scripted-manager.js";

/** Answers with everything it was asked by, so that an answer shows whose it is. */
class EchoManager implements SecretManager {
  readonly managerName = "echo";
  readonly supports: Supports;

  constructor(sharedReads: boolean) {
    this.supports = { sharedReads };
  }

  readSecret(name: string, call: ManagerCall): ReadReply {
    return { value: this.echo(name, undefined, call), version: 1 };
  }

  readSecretVersion(name: string, version: number, call: ManagerCall): ReadReply {
    return { value: this.echo(name, version, call), version };
  }

  echo(
    name: string,
    version: number | undefined,
    { options, principal }: Pick<ManagerCall, "options" | "principal">,
  ): string {
    const asker = this.supports.sharedReads === true ? "" : principal;
    return JSON.stringify([name, version ?? null, asker, sorted(options)]);
  }
}

/** Keys in order, and numbers that JSON would confuse told apart. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value === "number") return `#${Object.is(value, -0) ? "-0" : String(value)}`;
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => [key, sorted(member)]);
}

// Few and alike, so that confusions are likely: what one part ends with, another begins with.
const text = fc.constantFrom("", "a", "b", "a|", "|a", "1:a", "1:a|1|", "ab", "a\0", "2", "{", '"');
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.constantFrom(0, -0, 1, 12, NaN, Infinity, "1", "12", null, true, false, "null", "true"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(text, tie("value"), { maxKeys: 3 }),
  ),
})).value;
const options = fc.option(fc.dictionary(text, value, { maxKeys: 3 }), { nil: undefined });
const principal = text.map((each) => `p${each}`);
const version = fc.option(fc.constantFrom(1, 2, 12, 11), { nil: undefined });
const read = fc.record({ name: fc.constantFrom("A", "B", "A|1", "1:A"), principal, version, options });

describe("a cache", () => {
  it.each([true, false])("that is shared: %s gives nobody the answer to another question", async (isShared) => {
    await fc.assert(
      fc.asyncProperty(fc.array(read, { minLength: 2, maxLength: 30 }), async (reads) => {
        const manager = new EchoManager(isShared);
        const { broker } = openBroker(manager, { settings: { cache: usual }, clock: new CacheTime() });
        for (const each of reads) {
          const caller = { principal: each.principal, groups: [], provenBy: "none", peer: "unix" } as const;
          const asked = { name: nameOf(each.name), version: each.version, options: each.options };
          const { secret } = await broker.readSecret(liveCall({ caller }), asked);
          const told = { options: each.options ?? {}, principal: each.principal };
          expect(secret.payload).toBe(manager.echo(each.name, each.version, told));
          if (each.version !== undefined) expect(secret.version).toBe(each.version);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("tells questions apart by its keys, and only those that differ", () => {
    fc.assert(
      fc.property(read, read, (a, b) => {
        const same =
          JSON.stringify([a.principal, a.version ?? null, sorted(a.options ?? {})]) ===
          JSON.stringify([b.principal, b.version ?? null, sorted(b.options ?? {})]);
        const keys = [a, b].map(cacheKey);
        expect(keys[0] === keys[1]).toBe(same);
      }),
      { numRuns: 5_000 },
    );
  });

  it("keeps nothing of what it cannot compare", () => {
    const of = (given: Record<string, unknown>): string | undefined =>
      cacheKey({ principal: "p", version: undefined, options: given });
    let deep: unknown = 1;
    for (let depth = 0; depth < 40; depth += 1) deep = [deep];
    expect([of({ deep }), of({ text: "x".repeat(3_000) }), of({ date: new Date() }), of({ call: () => 1 })]).toEqual([
      ...[undefined, undefined, undefined, undefined],
    ]);
    expect(of({ many: Array.from({ length: 3_000 }, () => 1) })).toBeUndefined();
  });

  it("keeps an option that is bound to another value from being read, whatever is kept", async () => {
    const caller = (principal: string) => ({ principal, groups: [], provenBy: "none", peer: "unix" }) as const;
    const { broker } = openBroker(new EchoManager(true), {
      settings: { cache: usual, boundOptions: new Map([["eu", { region: "eu" }]]) },
      clock: new CacheTime(),
    });
    const A = nameOf("A");
    const us = await broker.readSecret(liveCall({ caller: caller("us") }), { name: A, options: { region: "us" } });
    const own = await broker.readSecret(liveCall({ caller: caller("eu") }), { name: A });
    expect([us, own].map(({ secret }) => JSON.parse(String(secret.payload)) as unknown[])).toEqual([
      ["A", null, "", [["region", "us"]]],
      ["A", null, "", [["region", "eu"]]],
    ]);
    const other = broker.readSecret(liveCall({ caller: caller("eu") }), { name: A, options: { region: "us" } });
    const error: unknown = await other.catch((thrown: unknown) => thrown);
    expect(isSecretError(error) && error.reason).toBe("POLICY_DENIED");
  });
});
