import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Action, actions } from "../../src/domain/action.js";
import { parseSecretName } from "../../src/domain/secret-name.js";
import { type AccessSettings, compilePolicy } from "../../src/policy/compile-policy.js";
import type { Decision } from "../../src/policy/policy.js";

const caller = { principal: "local", groups: [], provenBy: "none", peer: "unix" } as const;
const modes = ["read_only", "write_only", "read_and_write"] as const;

/** The seed's rules once more, as slowly and plainly as they can be said. */
function decideSlowly(settings: AccessSettings, action: Action, name: string | undefined): Decision {
  const rule = `access_mode: ${settings.accessMode}`;
  if (!isModeFor(settings.accessMode, action)) return { allowed: false, rule, reason: "ACCESS_MODE_DENIED" };
  // Administering asks no manager for anything.
  if (name === undefined || action === "administer" || isHosted(settings, name)) return { allowed: true, rule };
  return { allowed: false, rule: "hosted_keys", reason: "KEY_NOT_HOSTED" };
}

function isModeFor(accessMode: AccessSettings["accessMode"], action: Action): boolean {
  if (action === "administer" || accessMode === "read_and_write") return true;
  const isReading = ["read", "list", "describe", "watch"].includes(action);
  return isReading === (accessMode === "read_only");
}

function isHosted({ hostedKeys, hostedPrefix }: AccessSettings, name: string): boolean {
  if (hostedKeys === undefined) return true;
  for (const hosted of hostedKeys) if (hosted === name) return true;
  return hostedPrefix !== undefined && name.startsWith(hostedPrefix);
}

const prefixes = [undefined, "litellm/", "l/", "litellm/keys/"];
const names = fc.oneof(
  fc.constantFrom(
    "A",
    "a",
    "AB",
    "litellm",
    "litellm/a",
    "litellm/keys/a",
    "l/a",
    "LITELLM/a",
    "__proto__",
    "x/litellm/a",
  ),
  fc.stringMatching(/^[ABa/l]{1,4}$/).filter((name) => !name.includes("//") && !/^\/|\/$/.test(name)),
);

const settings: fc.Arbitrary<AccessSettings> = fc.record({
  accessMode: fc.constantFrom(...modes),
  hostedKeys: fc.option(fc.array(names, { maxLength: 6 }), { nil: undefined }),
  hostedPrefix: fc.constantFrom(...prefixes),
});

describe("compilePolicy", () => {
  it("decides as the slow and obvious way does", () => {
    fc.assert(
      fc.property(settings, fc.constantFrom(...actions), names, (given, action, name) => {
        const policy = compilePolicy(given);
        expect(policy.decide(caller, action, parseSecretName(name))).toEqual(decideSlowly(given, action, name));
        expect(policy.decideAction(caller, action)).toEqual(decideSlowly(given, action, undefined));
      }),
      { numRuns: 10_000 },
    );
  });

  it("agrees with it on every action, mode and kind of name", () => {
    let decided = 0;
    for (const accessMode of modes) {
      for (const hostedPrefix of prefixes) {
        for (const hostedKeys of [undefined, [], ["A"], ["A", "litellm/a"]]) {
          const given: AccessSettings = { accessMode, hostedKeys, hostedPrefix };
          const policy = compilePolicy(given);
          for (const action of actions) {
            for (const name of ["A", "B", "a", "litellm/a", "litellm/b", "litellm", "litellmx/a"]) {
              expect(policy.decide(caller, action, parseSecretName(name))).toEqual(decideSlowly(given, action, name));
              decided += 1;
            }
          }
        }
      }
    }
    expect(decided).toBe(3 * 4 * 4 * 11 * 7);
  });

  it.each([
    ["read_only", ["read", "list", "describe", "watch", "administer"]],
    ["write_only", ["write", "activate", "delete", "restore", "destroy", "rotate", "administer"]],
    ["read_and_write", [...actions]],
  ] as const)("lets %s do exactly what it says", (accessMode, allowed) => {
    const policy = compilePolicy({ accessMode, hostedKeys: undefined, hostedPrefix: undefined });
    const able = actions.filter((action) => policy.decideAction(caller, action).allowed);
    expect(able).toEqual(actions.filter((action) => (allowed as readonly Action[]).includes(action)));
  });

  it("tells no difference between a name that is hosted and one that is not where the mode forbids both", () => {
    const policy = compilePolicy({ accessMode: "write_only", hostedKeys: ["A"], hostedPrefix: undefined });
    const refusals = ["A", "B"].map((name) => policy.decide(caller, "read", parseSecretName(name)));
    expect(refusals[0]).toEqual(refusals[1]);
  });

  it("decides the same with 10,000 hosted keys as with 10", () => {
    const ten = Array.from({ length: 10 }, (_, index) => `KEY_${String(index)}`);
    const more = Array.from({ length: 9_990 }, (_, index) => `OTHER_${String(index)}`);
    const few = compilePolicy({ accessMode: "read_only", hostedKeys: ten, hostedPrefix: "litellm/" });
    const many = compilePolicy({ accessMode: "read_only", hostedKeys: [...more, ...ten], hostedPrefix: "litellm/" });
    for (const action of actions) {
      for (const name of [...ten, "KEY_10", "key_1", "KEY_", "litellm/a", "litellm", "constructor"]) {
        const safe = parseSecretName(name);
        expect(many.decide(caller, action, safe)).toEqual(few.decide(caller, action, safe));
      }
    }
    expect(more.every((name) => many.decide(caller, "read", parseSecretName(name)).allowed)).toBe(true);
  });

  it("is not changed by changing the settings it was made of", () => {
    const hostedKeys = ["A"];
    const policy = compilePolicy({ accessMode: "read_only", hostedKeys, hostedPrefix: undefined });
    hostedKeys.push("B");
    expect(policy.decide(caller, "read", parseSecretName("B")).allowed).toBe(false);
  });
});
