import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Action, actions } from "../../src/domain/action.js";
import type { Caller } from "../../src/domain/caller.js";
import { parseSecretName } from "../../src/domain/secret-name.js";
import { compilePolicy, type GrantSettings } from "../../src/policy/compile-policy.js";
import type { Grant } from "../../src/policy/grants.js";
import type { Part } from "../../src/policy/policy.js";

/** 100,000 pairs of policy and call by default; more of both at night. */
const scale = Number(process.env["SECRET_BROKER_POLICY_RUNS"] ?? "1");
const policies = 400 * scale;
const callsAPolicy = 250;

const open = { accessMode: "read_and_write", hostedKeys: undefined, hostedPrefix: undefined } as const;

/** The slowest and plainest reading of a pattern: every way to cut the name is tried. */
function covers(pattern: string, name: string): boolean {
  const [head = "", ...rest] = pattern.split("/");
  const [first, ...others] = name.split("/");
  const tail = rest.join("/");
  if (first === undefined) return false;
  const isLast = rest.length === 0;
  if (head === "**") {
    if (isLast) return true;
    return covers(tail, name) || (others.length > 0 && covers(pattern, others.join("/")));
  }
  if (!coversSegment(head, first)) return false;
  if (isLast) return others.length === 0;
  return others.length > 0 && covers(tail, others.join("/"));
}

function coversSegment(pattern: string, segment: string): boolean {
  if (pattern === "") return segment === "";
  if (pattern.startsWith("*")) {
    return coversSegment(pattern.slice(1), segment) || (segment !== "" && coversSegment(pattern, segment.slice(1)));
  }
  return segment !== "" && pattern.startsWith(segment.slice(0, 1)) && coversSegment(pattern.slice(1), segment.slice(1));
}

function isFor(grant: Grant, who: Caller, { memberships }: GrantSettings): boolean {
  const groups = [...who.groups, ...(memberships.get(who.principal) ?? [])];
  return (
    grant.principals.some((pattern) => covers(pattern, who.principal)) ||
    grant.groups.some((group) => groups.includes(group))
  );
}

function isWithin({ versions, fields }: Grant, action: Action, part: Part): boolean {
  const asked = action === "read" ? part : {};
  if (fields !== undefined && (asked.field === undefined || !fields.includes(asked.field))) return false;
  if (versions === undefined) return true;
  if (versions === "active") return asked.version === undefined;
  return asked.version !== undefined && versions.includes(asked.version);
}

interface Question {
  readonly who: Caller;
  readonly action: Action;
  readonly name: string;
  readonly part: Part;
}

function decideSlowly(granting: GrantSettings, { who, action, name, part }: Question): string {
  const matching = granting.grants.filter(
    (grant) =>
      isFor(grant, who, granting) &&
      grant.actions.includes(action) &&
      grant.names.some((pattern) => covers(pattern, name)) &&
      isWithin(grant, action, part),
  );
  const denying = matching.find(({ effect }) => effect === "deny");
  const deciding = denying ?? matching[0];
  return deciding === undefined ? "deny by default deny" : `${deciding.effect} by ${deciding.name}`;
}

/** Names of no pattern's letters, of more segments than patterns have: what stands for all of them stands for every name. */
const strangers = Array.from({ length: 8 }, (_, index) => Array.from({ length: index + 1 }, () => "zq").join("/"));

function decideNamelessSlowly(granting: GrantSettings, who: Caller, action: Action): string {
  const speaking = granting.grants.filter((grant) => {
    if (!isFor(grant, who, granting) || !grant.actions.includes(action) || !isWithin(grant, action, {})) return false;
    const isEvery = strangers.every((name) => grant.names.some((pattern) => covers(pattern, name)));
    return isEvery || (grant.effect === "allow" && action !== "administer");
  });
  const deciding = speaking.find(({ effect }) => effect === "deny") ?? speaking[0];
  return deciding === undefined ? "deny by default deny" : `${deciding.effect} by ${deciding.name}`;
}

const segments = ["a", "b", "ab", "aab", "__proto__", "constructor", "*", "é", "\u0435"];
const plain = fc.array(fc.constantFrom(...segments), { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const pattern = fc
  .array(fc.constantFrom(...segments, "**", "**", "**", "a*", "*b", "*a*", "a*b*"), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join("/"));
const principal = fc.constantFrom("p", "q", "spiffe://d/p", "spiffe://d/q/r", "__proto__");
const principalPattern = fc.constantFrom("p", "q", "spiffe://d/*", "spiffe://**", "**", "*", "__proto__");
const groups = fc.subarray(["g", "h", "constructor"]);

const limits = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc.record({ versions: fc.constantFrom("active" as const, [1], [1, 2]) }),
  fc.record({ fields: fc.constantFrom(["x"], ["x", "y"]) }),
  fc.record({ versions: fc.constant("active" as const), fields: fc.constant(["x"]) }),
);

const unnamed = fc
  .tuple(
    fc.constantFrom("allow" as const, "allow" as const, "deny" as const),
    fc.array(principalPattern, { maxLength: 2 }),
    groups,
    fc.subarray([...actions], { minLength: 1 }),
    fc.array(pattern, { minLength: 1, maxLength: 3 }),
    limits,
  )
  .map(([effect, principals, ofGroups, of, names, limited]) => ({
    effect,
    principals,
    groups: ofGroups,
    actions: of,
    names,
    // A rule that denies, denies whole.
    ...(effect === "allow" && limited),
  }));

const granting: fc.Arbitrary<GrantSettings> = fc
  .tuple(fc.array(unnamed, { maxLength: 12 }), groups)
  .map(([rules, memberships]) => ({
    grants: rules.map((rule, index) => ({ name: `rule ${String(index)}`, ...rule })),
    memberships: new Map([["q", memberships]]),
  }));

const question: fc.Arbitrary<Question> = fc.record({
  who: fc.record({
    principal,
    groups,
    provenBy: fc.constant("token" as const),
    peer: fc.constant("unix"),
  }),
  action: fc.constantFrom(...actions),
  name: plain,
  part: fc.record({ version: fc.constantFrom(1, 2, 3), field: fc.constantFrom("x", "y", "z") }, { requiredKeys: [] }),
});

function decide(settings: GrantSettings, { who, action, name, part }: Question): string {
  const decision = compilePolicy(open, settings).decide(who, action, parseSecretName(name), part);
  return `${decision.allowed ? "allow" : "deny"} by ${decision.rule}`;
}

function isAllowed(settings: GrantSettings, asked: Question): boolean {
  return decide(settings, asked).startsWith("allow");
}

function decideNameless(settings: GrantSettings, { who, action }: Question): string {
  const decision = compilePolicy(open, settings).decideAction(who, action);
  return `${decision.allowed ? "allow" : "deny"} by ${decision.rule}`;
}

/** Patterns of few or many names, so that what covers all of them is met. */
const wide = fc.array(fc.constantFrom("**", "*", "*/**", "**/*", "**/**", "*/*", "a/**", "a*", "**/b"), {
  ...{ minLength: 1, maxLength: 3 },
});
const widelyGranting = fc
  .tuple(granting, fc.array(wide, { minLength: 12, maxLength: 12 }))
  .map(([{ grants, memberships }, names]): GrantSettings => ({
    grants: grants.map((grant, index) => ({ ...grant, names: names[index] ?? grant.names })),
    memberships,
  }));

describe("GrantedAccess", () => {
  it("decides as the slow and obvious way does", { timeout: 120_000 * scale }, () => {
    let compared = 0;
    let allowed = 0;
    fc.assert(
      fc.property(
        granting,
        fc.array(question, { minLength: callsAPolicy, maxLength: callsAPolicy }),
        (settings, asked) => {
          const policy = compilePolicy(open, settings);
          for (const each of asked) {
            const { who, action, name, part } = each;
            const decision = policy.decide(who, action, parseSecretName(name), part);
            const slowly = decideSlowly(settings, each);
            if (`${decision.allowed ? "allow" : "deny"} by ${decision.rule}` !== slowly) {
              expect.fail(`${JSON.stringify(each)}: ${JSON.stringify(decision)}, and not ${slowly}`);
            }
            compared += 1;
            if (decision.allowed) allowed += 1;
          }
        },
      ),
      { numRuns: policies },
    );
    expect(compared).toBeGreaterThanOrEqual(100_000);
    // Both outcomes are met often, or the comparison would show little.
    expect(allowed / compared).toBeGreaterThan(0.05);
    expect(allowed / compared).toBeLessThan(0.95);
  });

  it("never allows more by another rule that denies, or by one less that allows", () => {
    fc.assert(
      fc.property(granting, unnamed, question, (settings, added, asked) => {
        const place = settings.grants.length >> 1;
        const denying = { ...added, effect: "deny" as const, versions: undefined, fields: undefined, name: "added" };
        const withDeny = { ...settings, grants: settings.grants.toSpliced(place, 0, denying) };
        if (isAllowed(withDeny, asked)) expect(isAllowed(settings, asked)).toBe(true);
        const allowing = settings.grants.findIndex(({ effect }) => effect === "allow");
        if (allowing < 0) return;
        const withLess = { ...settings, grants: settings.grants.toSpliced(allowing, 1) };
        if (isAllowed(withLess, asked)) expect(isAllowed(settings, asked)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  it("denies whatever a matching rule denies, whatever else allows it, in any order", () => {
    fc.assert(
      fc.property(granting, question, fc.nat(), ({ grants, memberships }, asked, place) => {
        const { who, action, name } = asked;
        const subject = { principals: [who.principal], groups: [], actions: [action], names: ["**"] };
        const all = { name: "all", effect: "allow" as const, ...subject };
        const none = { name: "none", effect: "deny" as const, ...subject, names: [name.replaceAll("*", "a")] };
        const both = { grants: [all, ...grants].toSpliced(place % 14, 0, none), memberships };
        expect(isAllowed(both, { ...asked, name: name.replaceAll("*", "a") })).toBe(false);
        expect(isAllowed({ ...both, grants: both.grants.toReversed() }, asked)).toBe(isAllowed(both, asked));
      }),
      { numRuns: 2_000 },
    );
  });

  it("decides what has no name as the slow and obvious way does", () => {
    const met = new Map<string, number>();
    fc.assert(
      fc.property(fc.oneof(granting, widelyGranting), question, (settings, { who }) => {
        const policy = compilePolicy(open, settings);
        for (const action of actions) {
          const { allowed, rule } = policy.decideAction(who, action);
          expect(`${allowed ? "allow" : "deny"} by ${rule}`).toBe(decideNamelessSlowly(settings, who, action));
          const kind = `${action} ${String(allowed)} ${String(rule === "default deny")}`;
          met.set(kind, (met.get(kind) ?? 0) + 1);
        }
      }),
      { numRuns: 2_000 },
    );
    // Allowed, denied by a rule and by none: each is met often for each action, or the comparison would show little.
    expect(met.size).toBe(3 * actions.length);
    expect(Math.min(...met.values())).toBeGreaterThan(20);
  });

  it("never allows what has no name by another rule that denies, nor where one denies every name", () => {
    fc.assert(
      fc.property(widelyGranting, fc.tuple(unnamed, fc.nat(12)), question, (settings, [added, place], asked) => {
        const { grants, memberships } = settings;
        const denying = { ...added, effect: "deny" as const, versions: undefined, fields: undefined, name: "added" };
        const withDeny = { grants: grants.toSpliced(place, 0, denying), memberships };
        const isAllowedBefore = decideNameless(settings, asked).startsWith("allow");
        if (decideNameless(withDeny, asked).startsWith("allow")) expect(isAllowedBefore).toBe(true);
        const { who, action } = asked;
        const closing = { ...denying, principals: [who.principal], actions: [action], names: ["**"] };
        const closed = { grants: grants.toSpliced(place, 0, closing), memberships };
        expect(decideNameless(closed, asked)).toMatch(/^deny/u);
      }),
      { numRuns: 3_000 },
    );
  });

  it("allows to administer without a name whoever may administer every name", () => {
    fc.assert(
      fc.property(widelyGranting, question, plain, (settings, asked, name) => {
        const nameless = decideNameless(settings, { ...asked, action: "administer" });
        if (!nameless.startsWith("allow")) return;
        const { grants, memberships } = settings;
        // But for the names that a rule denies.
        const allowing = { grants: grants.filter(({ effect }) => effect === "allow"), memberships };
        expect(isAllowed(allowing, { ...asked, action: "administer", part: {}, name })).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("keeps to the bounds of the seed's settings, and does not show them to who has no grant", () => {
    const settings = {
      grants: [
        { name: "all", effect: "allow", principals: ["p"], groups: [], actions: [...actions], names: ["**"] },
      ] satisfies Grant[],
      memberships: new Map<string, string[]>(),
    };
    const policy = compilePolicy({ accessMode: "read_only", hostedKeys: ["A"], hostedPrefix: undefined }, settings);
    const who = (name: string): Caller => ({ principal: name, groups: [], provenBy: "token", peer: "unix" });
    const outcome = (name: string, action: Action, secret: string): unknown => {
      const decision = policy.decide(who(name), action, parseSecretName(secret));
      return decision.allowed ? "allowed" : decision.reason;
    };
    expect(outcome("p", "read", "A")).toBe("allowed");
    expect(outcome("p", "read", "B")).toBe("KEY_NOT_HOSTED");
    expect(outcome("p", "write", "A")).toBe("ACCESS_MODE_DENIED");
    for (const secret of ["A", "B"]) {
      for (const action of actions) expect(outcome("q", action, secret)).toBe("POLICY_DENIED");
    }
    for (const action of actions) {
      expect(policy.decideAction(who("q"), action)).toMatchObject({ allowed: false, reason: "POLICY_DENIED" });
    }
  });

  it("answers as fast for a name made to be slow as for any", () => {
    const deep = Array.from({ length: 60 }, () => "a").join("/");
    const slow = ["**/a/**/a/**/a/**/a/**/b", "**/a*a*a*a*b/**", "*a*a*a*a*a*a*a*b", `${deep}/**/b`];
    const settings = {
      grants: [
        { name: "slow", effect: "allow", principals: ["p"], groups: [], actions: ["read"], names: slow },
      ] satisfies Grant[],
      memberships: new Map<string, string[]>(),
    };
    const policy = compilePolicy(open, settings);
    const who: Caller = { principal: "p", groups: [], provenBy: "token", peer: "unix" };
    const startMs = performance.now();
    for (const name of [`${deep}/${"a".repeat(390)}`, "a/".repeat(255) + "a", "a".repeat(512)]) {
      expect(policy.decide(who, "read", parseSecretName(name)).allowed).toBe(false);
    }
    // Not how fast it is, but that it does not take for ever.
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });
});
