import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JwtIssuerConfig } from "../../src/config/jwt-config.js";
import { isSecretError } from "../../src/domain/secret-error.js";
import { GenerationCache } from "../../src/identity/jwt-cache.js";
import { hasDuplicateMembers } from "../../src/identity/jwt-duplicate-members.js";
import { jwtPrincipal } from "../../src/identity/jwt-principal.js";
import type { Claims } from "../../src/identity/jwt-text.js";
import { configOf, withMemory } from "../config/config-text.js";

function issuerWith(settings: string): JwtIssuerConfig {
  const text = withMemory(
    `  authentication: { jwt: [{ issuer: "https://a.example", audiences: [me], ${settings} }] }\n`,
  );
  const [issuer] = configOf(text).authentication?.jwt ?? [];
  if (issuer === undefined) throw new TypeError("no issuer");
  return issuer;
}

function principalOf(settings: string, claims: Claims): string {
  try {
    const { principal, groups } = jwtPrincipal(claims, issuerWith(settings));
    return [principal, ...groups].join(" ");
  } catch (error) {
    return isSecretError(error) ? error.reason : "?";
  }
}

describe("a principal made of claims", () => {
  it.each<readonly [string, Claims, string]>([
    ['principal: "ci:{repository}"', { repository: "org/app" }, "ci:org/app"],
    ['principal: "{org}/{/team/name}@x"', { org: "o", team: { name: "t" } }, "o/t@x"],
    ['principal: "{org}/{team}"', { org: "o/p", team: "t" }, "CREDENTIAL_INVALID"],
    ['principal: "{org}/{team}"', { org: "o", team: "t/u" }, "o/t/u"],
    ['principal: "{https://a.example/id}"', { "https://a.example/id": "i" }, "i"],
    ['principal: "{/team/name}"', { team: ["name"] }, "CREDENTIAL_INVALID"],
    ['principal: "{toString}"', {}, "CREDENTIAL_INVALID"],
    ['principal: "{/sub/length}"', { sub: "abc" }, "CREDENTIAL_INVALID"],
    ['principal: "{n}"', { n: 1 }, "CREDENTIAL_INVALID"],
    ['principal: "{n}"', { n: "x".repeat(513) }, "CREDENTIAL_INVALID"],
    ['principal: "abc:{n}"', { n: "x".repeat(510) }, "CREDENTIAL_INVALID"],
    ["groups_claim: roles", { sub: "a", roles: ["x", "y"] }, "a x y"],
    ['groups_claim: roles, groups_prefix: "i:"', { sub: "a", roles: "x" }, "a i:x"],
    ["groups_claim: /realm_access/roles", { sub: "a", realm_access: { roles: ["x"] } }, "a x"],
    ["groups_claim: roles", { sub: "a" }, "a"],
    ["groups_claim: roles", { sub: "a", roles: [] }, "a"],
    ["groups_claim: roles", { sub: "a", roles: [1] }, "CREDENTIAL_INVALID"],
    ["groups_claim: roles", { sub: "a", roles: { x: true } }, "CREDENTIAL_INVALID"],
    ["groups_claim: roles", { sub: "a", roles: null }, "CREDENTIAL_INVALID"],
    ["groups_claim: roles", { sub: "a", roles: Array(1_001).fill("x") }, "CREDENTIAL_INVALID"],
  ])("%s of %j is %s", (settings, claims, expected) => {
    expect(principalOf(settings, claims)).toBe(expected);
  });

  it("is never the same for different claims", () => {
    const issuer = issuerWith('principal: "{a}/-{b}:{c}"');
    const part = fc.string({ unit: fc.constantFrom("/", "-", ":", "x"), minLength: 1, maxLength: 4 });
    const made = new Map<string, string>();
    fc.assert(
      fc.property(part, part, part, (a, b, c) => {
        try {
          const { principal } = jwtPrincipal({ a, b, c }, issuer);
          const claims = JSON.stringify([a, b, c]);
          expect(made.get(principal) ?? claims).toBe(claims);
          made.set(principal, claims);
        } catch (error) {
          expect(error).toHaveProperty("reason", "CREDENTIAL_INVALID");
        }
      }),
      { numRuns: 5_000 },
    );
    expect(made.size).toBeGreaterThan(50);
  });
});

describe("what is said twice", () => {
  it("is found in any JSON that has it, and in no other", () => {
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), fc.string(), leaf, (value, name, other) => {
        const json = JSON.stringify(value);
        expect(hasDuplicateMembers(json)).toBe(false);
        const member = `${JSON.stringify(name)}:${JSON.stringify(other)}`;
        expect(hasDuplicateMembers(`[${json},{${member},"x${String(name.length)}":${json},${member}}]`)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("what is remembered", () => {
  it("is bounded, and what is used stays", () => {
    const cache = new GenerationCache<number>(100);
    cache.set("used", 1);
    const kept = new Set<number>();
    for (let each = 0; each < 10_000; each += 1) {
      cache.set(String(each), each);
      expect(cache.get("used")).toBe(1);
    }
    for (let each = 0; each < 10_000; each += 1) if (cache.get(String(each)) !== undefined) kept.add(each);
    expect(kept.size).toBeLessThan(200);
    expect(kept.has(9_999)).toBe(true);
    cache.delete("used");
    expect(cache.get("used")).toBeUndefined();
  });
});
