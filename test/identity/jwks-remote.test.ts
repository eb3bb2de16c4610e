import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JwtIssuerConfig } from "../../src/config/jwt-config.js";
import { hashToken } from "../../src/identity/token-hashes.js";
import { Issuer, makeKey, sendJson } from "./issuer.js";
import { callerOf, type OpenIdentity, openIdentity, outcomeOf, trust, unproven, withTimes } from "./open-identity.js";

const unavailable = "IDENTITY_UNAVAILABLE the keys of the bearer token's issuer cannot be had now";
const unpublished = `${unproven}is signed with a key that its issuer does not publish`;

let issuer: Issuer;
const opened: OpenIdentity[] = [];

beforeEach(async () => {
  issuer = await Issuer.start();
});

afterEach(async () => {
  for (const each of opened.splice(0)) each.close();
  await issuer.down();
});

function open(...configs: readonly JwtIssuerConfig[]): OpenIdentity {
  const made = openIdentity(...configs);
  opened.push(made);
  return made;
}

describe("an issuer's keys", () => {
  it("are fetched once, however many tokens and calls there are", async () => {
    const identity = open(trust(issuer));
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, index) => issuer.token({ claims: { sub: `app-${String(index)}` } })),
    );
    for (const round of [1, 2]) {
      const outcomes = await Promise.all(tokens.map((token) => outcomeOf(identity, token)));
      expect(outcomes, String(round)).toEqual(tokens.map((_, index) => `app-${String(index)}`));
    }
    expect(issuer.fetches).toBe(1);
  });

  it("make a caller that is the same object at once, the second time", async () => {
    const identity = open(trust(issuer));
    const token = await issuer.token();
    const first = await callerOf(identity, token);
    const credentials = { peer: "127.0.0.1:1", authorization: `Bearer ${token}` };
    expect(identity.identity.identify(credentials)).toBe(first);
    expect(identity.identity.identify({ ...credentials, peer: "unix" })).toMatchObject({ peer: "unix" });
  });

  it("are rotated: a new one is found with one fetch, and one that is gone is good no more", async () => {
    const identity = open(withTimes(trust(issuer), { refetchCooldownMs: 0 }));
    const old = await issuer.token();
    expect(await outcomeOf(identity, old)).toBe("app-a");
    const next = await makeKey("second");
    issuer.published = [...issuer.published, next.jwk];
    issuer.signWith(next);
    const renewed = await issuer.token();
    expect(await Promise.all([renewed, renewed, renewed].map((token) => outcomeOf(identity, token)))).toEqual(
      Array(3).fill("app-a"),
    );
    expect(issuer.fetches).toBe(2);
    expect(await outcomeOf(identity, old)).toBe("app-a");

    issuer.published = [next.jwk];
    const third = await makeKey("third");
    expect(await outcomeOf(identity, await issuer.token({ key: third }))).toBe(unpublished);
    expect(await outcomeOf(identity, renewed)).toBe("app-a");
    expect(await outcomeOf(identity, old)).toBe(unpublished);
  });

  it("that were replaced under the same name are taken over", async () => {
    const identity = open(withTimes(trust(issuer), { refreshIntervalMs: 50 }));
    const forged = await makeKey("first");
    const token = await issuer.token({ key: forged });
    expect(await outcomeOf(identity, token)).toMatch(/is not signed by its issuer/u);
    const before = await callerOf(identity, await issuer.token());
    expect(identity.methods.jwt?.stillKnows(before)).toBe(true);
    issuer.published = [forged.jwk];
    await expect.poll(() => outcomeOf(identity, token)).toBe("app-a");
    expect(identity.methods.jwt?.stillKnows(before)).toBe(false);
  });

  it("that are all taken back leave nobody", async () => {
    const identity = open(withTimes(trust(issuer), { refreshIntervalMs: 50 }));
    const token = await issuer.token();
    expect(await outcomeOf(identity, token)).toBe("app-a");
    issuer.published = [];
    await expect.poll(() => outcomeOf(identity, token)).toBe(unpublished);
  });

  it("that are unknown make one fetch a while, in a storm of them", async () => {
    const identity = open(trust(issuer));
    expect(await outcomeOf(identity, await issuer.token())).toBe("app-a");
    const key = await makeKey("x");
    const storm = await Promise.all(
      Array.from({ length: 300 }, (_, index) => issuer.token({ key, header: { kid: `unknown-${String(index)}` } })),
    );
    for (const token of storm) expect(await outcomeOf(identity, token)).toBe(unpublished);
    expect(issuer.fetches).toBe(1);
    expect(await outcomeOf(identity, await issuer.token())).toBe("app-a");
  });

  it("that are unknown wait together, and not all of them, for one slow fetch", async () => {
    const identity = open(withTimes(trust(issuer), { refetchCooldownMs: 0 }));
    const good = await issuer.token();
    expect(await outcomeOf(identity, good)).toBe("app-a");
    const held: (() => void)[] = [];
    issuer.answer = (_request, response) => held.push(() => sendJson(response, { keys: issuer.published }));
    const key = await makeKey("x");
    const tokens = await Promise.all(
      Array.from({ length: 150 }, (_, index) => issuer.token({ key, header: { kid: `unknown-${String(index)}` } })),
    );
    const outcomes = tokens.map((token) => outcomeOf(identity, token));
    await expect.poll(() => held.length).toBe(1);
    // Whoever is known goes on meanwhile.
    expect(await outcomeOf(identity, good)).toBe("app-a");
    for (const answer of held) answer();
    const counted = Object.groupBy(await Promise.all(outcomes), (outcome) => outcome);
    expect(counted[unpublished]).toHaveLength(100);
    expect(counted[unavailable]).toHaveLength(50);
    expect(held).toHaveLength(1);
  });
});

describe("an issuer that is down", () => {
  it("at the start lets nobody in, blames nobody, and is asked again by itself", async () => {
    const token = await issuer.token();
    await issuer.down();
    const identity = open(trust(issuer));
    expect(await outcomeOf(identity, token)).toBe(unavailable);
    await expect(callerOf(identity, token)).rejects.toMatchObject({ reason: "IDENTITY_UNAVAILABLE" });
    const failure = await callerOf(identity, token).catch((error: unknown) => error);
    expect(failure).toHaveProperty("retryAfterMs", expect.any(Number));
    await issuer.up();
    await expect.poll(() => outcomeOf(identity, token), { timeout: 10_000 }).toBe("app-a");
    expect(identity.failures[0]).toBe("the server cannot be reached (ECONNREFUSED)");
  });

  it("later is done without, for new tokens too", async () => {
    const identity = open(withTimes(trust(issuer), { refreshIntervalMs: 50, refetchCooldownMs: 0 }));
    const token = await issuer.token();
    expect(await outcomeOf(identity, token)).toBe("app-a");
    await issuer.down();
    await expect.poll(() => identity.failures.length).toBeGreaterThan(0);
    const another = await issuer.token({ claims: { sub: "app-b" } });
    expect(await outcomeOf(identity, token)).toBe("app-a");
    expect(await outcomeOf(identity, another)).toBe("app-b");
    // Whether that one is published nobody can say.
    expect(await outcomeOf(identity, await issuer.token({ key: await makeKey("new") }))).toBe(unavailable);
  });

  it("is not done without for ever: keys that are too old are good for nobody, until it is back", async () => {
    const identity = open(withTimes(trust(issuer), { refreshIntervalMs: 50, maxStaleMs: 500 }));
    const token = await issuer.token();
    await expect.poll(() => outcomeOf(identity, token)).toBe("app-a");
    await issuer.down();
    await expect.poll(() => outcomeOf(identity, token), { timeout: 10_000 }).toBe(unavailable);
    expect(await outcomeOf(identity, await issuer.token({ claims: { sub: "app-b" } }))).toBe(unavailable);
    await issuer.up();
    await expect.poll(() => outcomeOf(identity, token), { timeout: 10_000 }).toBe("app-a");
  });

  it("keeps its keys through a reload", async () => {
    const config = trust(issuer);
    const identity = open(config);
    const token = await issuer.token();
    const caller = await callerOf(identity, token);
    await issuer.down();
    const reloaded = identity.sources.callersOf([{ ...config, requiredClaims: [] }]);
    expect(reloaded?.stillKnows(caller)).toBe(true);
    expect(await reloaded?.identify(token, hashToken(token), "p")).toMatchObject({ principal: "app-a" });
    const stricter = identity.sources.callersOf([{ ...config, audiences: ["other"] }]);
    expect(stricter?.stillKnows(caller)).toBe(false);
    expect(identity.sources.callersOf([])).toBeUndefined();
    expect(issuer.fetches).toBe(1);
  });
});

describe("an answer that is not a key set", () => {
  const slow = "the server did not answer in time";

  it.each<readonly [string, (response: ServerResponse) => void, string]>([
    ["never begins", () => undefined, slow],
    ["never ends", (response) => void response.writeHead(200).write('{"keys":['), slow],
    ["is a redirect", (response) => void response.writeHead(302, { location: "/keys" }).end(), "a redirect"],
    ["is an error", (response) => void response.writeHead(500).end("secret text"), "answered with status 500"],
    ["is no JSON", (response) => void response.end("<html>secret text"), "something that is not JSON"],
    ["is no set", (response) => sendJson(response, { keys: {} }), "is none"],
    ["has strange keys", (response) => sendJson(response, { keys: [1] }), "is none"],
    ["is null", (response) => sendJson(response, null), "is none"],
    ["is enormous", (response) => void response.end(Buffer.alloc(600_000, " ")), "more than 512 KiB"],
    ["has too many keys", (response) => sendJson(response, { keys: Array(201).fill({ kty: "EC" }) }), "is none"],
    ["is compressed", (response) => void response.writeHead(200, { "content-encoding": "gzip" }).end("x"), "encoding"],
    ["is not UTF-8", (response) => void response.end(Buffer.of(0xff)), "not UTF-8"],
    [
      "breaks off",
      (response) => void response.writeHead(200, { "content-length": 99 }).write("{", () => response.destroy()),
      "the server",
    ],
    ["has endless headers", (response) => void response.writeHead(200, { x: "y".repeat(40_000) }).end(), "HPE_HEADER"],
  ])("one that %s leaves the keys unavailable", async (_what, respond, message) => {
    issuer.answer = (_request, response) => respond(response);
    const identity = open(withTimes(trust(issuer), { fetchTimeoutMs: 300 }));
    expect(await outcomeOf(identity, await issuer.token())).toBe(unavailable);
    expect(identity.failures[0]).toContain(message);
    expect(identity.failures.join()).not.toContain("secret text");
    issuer.answer = undefined;
    await expect.poll(async () => outcomeOf(identity, await issuer.token()), { timeout: 10_000 }).toBe("app-a");
  });

  it("never brings shared or private keys, or such as are for encryption", async () => {
    const secret = { kty: "oct", kid: "shared", k: "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", alg: "HS256" };
    const [leaked, encrypting] = [await makeKey("leaked"), await makeKey("encrypting")];
    issuer.published = [secret, { ...leaked.jwk, d: "AAAA" }, { ...encrypting.jwk, use: "enc" }, ...issuer.published];
    const identity = open(trust(issuer));
    for (const key of [leaked, encrypting])
      expect(await outcomeOf(identity, await issuer.token({ key }))).toBe(unpublished);
    expect(await outcomeOf(identity, await issuer.token())).toBe("app-a");
  });
});
