import { createHmac, randomInt } from "node:crypto";
import { exportSPKI, importJWK } from "jose";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isSecretError } from "../../src/domain/secret-error.js";
import { Issuer, makeKey, sendJson, type SigningKey } from "./issuer.js";
import { type OpenIdentity, openIdentity, outcomeOf, trust, unproven } from "./open-identity.js";

let issuer: Issuer;
let stranger: Issuer;
let opened: OpenIdentity;
let rsa: SigningKey;

const nowSeconds = (): number => Math.floor(Date.now() / 1_000);
const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

beforeAll(async () => {
  issuer = await Issuer.start();
  stranger = await Issuer.start();
  rsa = await makeKey("rsa", "RS256");
  issuer.published = [...issuer.published, rsa.jwk];
  opened = openIdentity(trust(issuer));
  expect(await outcomeOf(opened, await issuer.token())).toBe("app-a");
});

afterAll(async () => {
  opened.close();
  await issuer.down();
  await stranger.down();
});

/** A token of which every part is given. */
function assembled(header: unknown, claims: unknown, signature = ""): string {
  return [encoded(header), encoded(claims), signature].join(".");
}

function goodClaims(): Record<string, unknown> {
  const now = nowSeconds();
  return { iss: issuer.url, aud: issuer.audience, sub: "app-a", iat: now, exp: now + 900 };
}

describe("a token that is not what its issuer would accept", () => {
  it.each<readonly [string, Readonly<Record<string, unknown>>, string]>([
    ["expired", { exp: 1 }, "CREDENTIAL_EXPIRED the bearer token has expired"],
    ["not valid before later", { nbf: 4e9 }, "CREDENTIAL_INVALID the bearer token is not valid yet"],
    ["issued later", { iat: 4e9, exp: 4.1e9 }, "CREDENTIAL_INVALID the bearer token is not valid yet"],
    ["without an expiry", { exp: undefined }, "CREDENTIAL_INVALID the bearer token must say when it expires (exp)"],
    ["for another audience", { aud: "other" }, "CREDENTIAL_INVALID the bearer token is for another audience"],
    ["for audiences without this one", { aud: ["a", "b"] }, "CREDENTIAL_INVALID the bearer token is for another"],
    ["for nobody", { aud: undefined }, "CREDENTIAL_INVALID the bearer token is for another audience"],
    ["for an audience within a list", { aud: [["secret-broker"]] }, "CREDENTIAL_INVALID the bearer token is for"],
    ["of another issuer", { iss: "https://elsewhere.example" }, `${unproven}is of an issuer that is not known`],
    ["of nobody", { iss: undefined }, `${unproven}is of an issuer that is not known`],
    ["of an object's inherited name", { iss: "__proto__" }, `${unproven}is of an issuer`],
    ["good for years", { exp: nowSeconds() + 4e6 }, "CREDENTIAL_INVALID the bearer token is valid for longer"],
    ["without a subject", { sub: undefined }, "CREDENTIAL_INVALID the bearer token has claims that no principal"],
    ["with an empty subject", { sub: "" }, "CREDENTIAL_INVALID the bearer token has claims that no principal"],
    ["with a line end in its subject", { sub: "a\nb" }, "CREDENTIAL_INVALID the bearer token has claims that no"],
    ["with half a character", { sub: "a\ud800" }, "CREDENTIAL_INVALID the bearer token has claims that no"],
    ["with a list for a subject", { sub: ["app-a"] }, "CREDENTIAL_INVALID the bearer token has claims that no"],
    ["with a text for a time", { exp: "4000000000" }, "CREDENTIAL_INVALID the bearer token has a time that is none"],
    ["with an endless time", { exp: 1e300 }, "CREDENTIAL_INVALID the bearer token has a time that is none (exp)"],
    ["with a time before all", { nbf: -1 }, "CREDENTIAL_INVALID the bearer token has a time that is none (nbf)"],
  ])("%s is refused, and the rule is named", async (_what, claims, outcome) => {
    // The library refuses to make some of these.
    const token = await issuer.token().then(() => signedRaw({ ...goodClaims(), ...claims }));
    expect(await outcomeOf(opened, token)).toContain(outcome);
  });

  it("is good once its time has come", async () => {
    const token = await signedRaw({ ...goodClaims(), nbf: nowSeconds() + 1 });
    expect(await outcomeOf(opened, token)).toBe("CREDENTIAL_INVALID the bearer token is not valid yet");
    await expect.poll(() => outcomeOf(opened, token), { timeout: 5_000 }).toBe("app-a");
  });

  it("a good one that is made the same way is taken", async () => {
    expect(await outcomeOf(opened, await signedRaw({ ...goodClaims(), aud: ["x", issuer.audience] }))).toBe("app-a");
  });
});

/** Signs whatever it is given with the RSA key. */
async function signedRaw(claims: unknown, header: Readonly<Record<string, unknown>> = {}): Promise<string> {
  return await signedText(JSON.stringify(claims), JSON.stringify({ alg: "RS256", kid: "rsa", ...header }));
}

async function signedText(claims: string, header = JSON.stringify({ alg: "RS256", kid: "rsa" })): Promise<string> {
  const text = [header, claims].map((part) => Buffer.from(part).toString("base64url")).join(".");
  const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", rsa.privateKey, Buffer.from(text));
  return `${text}.${Buffer.from(signature).toString("base64url")}`;
}

describe("a signature that is none", () => {
  const algorithm = `${unproven}is signed with an algorithm that is not accepted`;
  const unsigned = `${unproven}is not signed by its issuer`;
  const unpublished = `${unproven}is signed with a key that its issuer does not publish`;

  it.each(["none", "None", "NONE", "", "HS256", "HS512", "dir", "RSA1_5"])("alg %j is refused", async (alg) => {
    expect(await outcomeOf(opened, assembled({ alg, kid: "rsa" }, goodClaims()))).toBe(algorithm);
  });

  it("the public key is no shared secret", async () => {
    const key = await importJWK(rsa.jwk, "RS256", { extractable: true });
    if (key instanceof Uint8Array) throw new TypeError("not a public key");
    for (const secret of [await exportSPKI(key), JSON.stringify(rsa.jwk)]) {
      const text = `${encoded({ alg: "HS256", kid: "rsa" })}.${encoded(goodClaims())}`;
      const token = `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
      expect(await outcomeOf(opened, token)).toBe(algorithm);
    }
  });

  it("another issuer's key, named like this one's, is not this one's", async () => {
    const forged = await stranger.token({ claims: { iss: issuer.url }, header: { kid: "first" } });
    expect(await outcomeOf(opened, forged)).toBe(unsigned);
    // Known as bad now, and still bad.
    expect(await outcomeOf(opened, forged)).toBe(unsigned);
  });

  it("an algorithm of another kind of key is refused", async () => {
    expect(await outcomeOf(opened, assembled({ alg: "ES256", kid: "rsa" }, goodClaims(), "AAAA"))).toBe(unpublished);
    expect(await outcomeOf(opened, assembled({ alg: "PS256", kid: "rsa" }, goodClaims(), "AAAA"))).toBe(unpublished);
  });

  it("keys that the token brings along, or points at, are not looked at", async () => {
    const mine = await makeKey("mine");
    stranger.answer = (_request, response) => sendJson(response, { keys: [mine.jwk] });
    for (const header of [{ jwk: mine.jwk }, { jku: `${stranger.url}/keys` }, { x5u: `${stranger.url}/x` }]) {
      expect(await outcomeOf(opened, await issuer.token({ key: mine, header }))).toBe(unpublished);
      expect(await outcomeOf(opened, await issuer.token({ key: mine, header: { ...header, kid: "first" } }))).toBe(
        unsigned,
      );
    }
    expect(stranger.requests).toEqual([]);
  });

  it("a missing key id is good for one key only", async () => {
    const token = await signedRaw(goodClaims(), { kid: undefined });
    expect(await outcomeOf(opened, token)).toBe("app-a");
    const twice = await Issuer.start();
    const other = await makeKey("other");
    twice.published = [...twice.published, other.jwk];
    const both = openIdentity(trust(twice));
    expect(await outcomeOf(both, await twice.token({ header: { kid: undefined } }))).toBe(
      `${unproven}must say which key it is signed with (kid)`,
    );
    both.close();
    await twice.down();
  });
});

describe("a token that is strange", () => {
  it.each([
    "",
    ".",
    "..",
    "...",
    "a.b.c",
    "x",
    "ey.ey.ey",
    "\u00e9.a.b",
    "null",
    "e30.e30.e30",
    `${encoded([])}.${encoded({})}.`,
  ])("%j is none", async (token) => {
    expect(await outcomeOf(opened, token)).toBe(`${unproven}is not a JSON Web Token`);
  });

  it("one that is enormous costs nothing", async () => {
    for (const token of ["x".repeat(8_193), "e30.".repeat(100_000)]) {
      expect(await outcomeOf(opened, token)).toBe(`${unproven}must be at most 8192 characters long`);
    }
  });

  it.each([
    (claims: string) => claims.replace("{", '{"sub":"app-admin",'),
    (claims: string) => claims.replace("{", '{"\\u0073ub":"app-admin",'),
    (claims: string) => claims.replace("{", '{"x":[{"a":{"b":1,"b":2}}],'),
  ])("one that says something twice is refused", async (change) => {
    const token = await signedText(change(JSON.stringify(goodClaims())));
    expect(await outcomeOf(opened, token)).toBe(`${unproven}says something twice`);
  });

  it("the same name in different objects is not twice", async () => {
    const claims = { ...goodClaims(), x: [{ a: 1 }, { a: 2 }], y: { sub: "{", z: '","sub":"' } };
    expect(await outcomeOf(opened, await signedText(JSON.stringify(claims)))).toBe("app-a");
  });

  it("one that is nested deeply, or not UTF-8, is refused", async () => {
    const nested = `${"[".repeat(2_000)}${"]".repeat(2_000)}`;
    expect(await outcomeOf(opened, await signedText(nested))).toMatch(/is not a JSON Web Token/u);
    const deep = JSON.stringify(goodClaims()).replace("{", `{"x":${nested},`);
    expect(await outcomeOf(opened, await signedText(deep))).toBe("app-a");
    const latin = Buffer.from('{"alg":"RS256","kid":"\u00e9"}', "latin1").toString("base64url");
    expect(await outcomeOf(opened, `${latin}.e30.AAAA`)).toMatch(/is not a JSON Web Token/u);
  });

  it.each([
    { crit: ["b64"], b64: false },
    { crit: ["exp"] },
    { b64: true },
    { typ: "logout+jwt" },
    { typ: "dpop+jwt" },
    { typ: 1 },
    { kid: 1 },
    { kid: "" },
  ])("one with the header %j is refused", async (header) => {
    expect(await outcomeOf(opened, await signedRaw(goodClaims(), header))).toMatch(/^CREDENTIAL_INVALID /u);
  });

  it.each(["JWT", "at+jwt", "application/at+jwt"])("one of type %s is taken", async (typ) => {
    expect(await outcomeOf(opened, await signedRaw(goodClaims(), { typ }))).toBe("app-a");
  });
});

describe("a good token", () => {
  it("is good no more after any change of one character or one bit", async () => {
    const tokens = [await issuer.token(), await signedRaw(goodClaims())];
    for (const token of tokens) expect(await outcomeOf(opened, token)).toBe("app-a");
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...tokens), fc.nat(), fc.nat(), async (token, at, bit) => {
        const bytes = Buffer.from(token, "latin1");
        const place = at % bytes.byteLength;
        bytes[place] = (bytes[place] ?? 0) ^ (1 << (bit % 7));
        expect(await outcomeOf(opened, bytes.toString("latin1"))).toContain(unproven);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is good no more after any change of its last characters, where bits are spare", async () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/";
    for (const token of [await issuer.token(), await signedRaw(goodClaims())]) {
      for (const last of alphabet) {
        const changed = `${token.slice(0, -1)}${last}`;
        if (changed !== token) expect(await outcomeOf(opened, changed)).toMatch(/^CREDENTIAL_INVALID /u);
      }
      for (const more of ["=", "==", "\n", " ", "A", ".", "%"]) {
        expect(await outcomeOf(opened, token + more)).toMatch(/^CREDENTIAL_INVALID /u);
      }
    }
  });

  it("appears in no refusal", async () => {
    const token = await issuer.token({ claims: { sub: "canary-subject", canary: "canary-claim" } });
    const parts = token.split(".");
    for (let round = 0; round < 200; round += 1) {
      const cut = parts.map((part) => part.slice(0, randomInt(part.length))).join(".");
      try {
        await opened.identity.identify({ peer: "unknown", authorization: `Bearer ${cut}` });
      } catch (error) {
        const { message, metadata } = isSecretError(error) ? error : { message: "?", metadata: {} };
        const said = JSON.stringify([message, metadata]);
        expect(message).toMatch(/^the bearer token /u);
        for (const canary of ["canary", ...parts.map((part) => part.slice(0, 12))]) expect(said).not.toContain(canary);
      }
    }
  });
});
