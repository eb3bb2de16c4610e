import { recordLines } from "../audit/example-record.js";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Metadata } from "@grpc/grpc-js";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { createAccessToken, hashOfToken } from "../../src/identity/access-token.js";
import { TestAuthority } from "./test-authority.js";
import { TlsWorld } from "./tls-broker.js";

const world = new TlsWorld();
const authentication =
  "{ certificates: { trust_domains: [example.org], dns_names: [jobs.example.org, '*.svc.example.org'], principals: [{ certificate: 'spiffe://example.org/gateway', principal: gateway, groups: [gateways] }] } }";
const app = world.authority.issue("app", { san: "URI:spiffe://example.org/app", usage: "clientAuth" });

afterEach(() => world.stop());
afterAll(() => world.close());

describe("a client certificate", () => {
  it("proves a SPIFFE ID, a DNS name, or what the configuration calls it, and is on record", async () => {
    const broker = await world.start({ authentication });
    const job = world.authority.issue("job", { san: "DNS:jobs.example.org,DNS:other.example.com" });
    const service = world.authority.issue("service", { san: "DNS:a.svc.example.org" });
    const gateway = world.authority.issue("gateway", { san: "URI:spiffe://example.org/gateway,DNS:jobs.example.org" });
    for (const client of [app, job, service, gateway]) expect(await world.reasonFor(client)).toBe("SECRET_NOT_FOUND");
    const records = recordLines(readFileSync(broker.auditFile, "utf8"));
    expect(records.map((line): unknown => JSON.parse(line))).toMatchObject([
      {
        principal: "spiffe://example.org/app",
        proven_by: "mtls",
        peer: expect.stringMatching(/^[\d.:a-f]+$/u) as unknown,
      },
      { principal: "dns:jobs.example.org", proven_by: "mtls" },
      { principal: "dns:a.svc.example.org", proven_by: "mtls" },
      { principal: "gateway", proven_by: "mtls" },
    ]);
  });

  it("may come with intermediate authorities", async () => {
    await world.start({ authentication });
    const intermediate = new TestAuthority(world.folder, "intermediate", world.authority);
    const leaf = intermediate.issue("leaf", { san: "URI:spiffe://example.org/leaf" });
    const chain = { ...leaf, certificate: leaf.certificate + intermediate.certificate };
    expect(await world.reasonFor(chain)).toBe("SECRET_NOT_FOUND");
    expect(await world.reasonFor(leaf)).toBe("CREDENTIAL_INVALID");
  });

  it("is refused when it is not good, with a reason where clients may come without one", async () => {
    await world.start({ authentication });
    const san = "URI:spiffe://example.org/app";
    const bad = {
      "of another authority": world.stranger.issue("other", { san }),
      "not valid yet": world.authority.issue("future", { san, fromSeconds: 3_600, toSeconds: 7_200 }),
      "for servers": world.authority.issue("for-servers", { san, usage: "serverAuth" }),
    };
    for (const [why, client] of Object.entries(bad)) {
      expect(await world.reasonFor(client), why).toBe("CREDENTIAL_INVALID");
    }
    const expired = world.authority.issue("expired", { san, fromSeconds: -7_200, toSeconds: -3_600 });
    expect(await world.reasonFor(expired)).toBe("CREDENTIAL_EXPIRED");
    expect(await world.reasonFor()).toBe("CREDENTIAL_MISSING");
  });

  it("ends the handshake when it is required and not good or not there", async () => {
    await world.start({ authentication, clientCertificates: "required" });
    const other = world.stranger.issue("other-required", { san: "URI:spiffe://example.org/app" });
    expect(await world.reasonFor(app)).toBe("SECRET_NOT_FOUND");
    for (const client of [undefined, other]) expect(await world.reasonFor(client)).toBe("UNAVAILABLE");
  });

  it("does not go before a token, which proves another principal", async () => {
    const token = createAccessToken();
    const entry = `tokens: [{ principal: by-token, hash: "${hashOfToken(token)}" }]\n`;
    const broker = await world.start({
      authentication: "{ tokens: { file: t.yaml }, certificates: { trust_domains: [example.org] } }",
      files: { "t.yaml": entry },
    });
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${token}`);
    await world.connect(app).call("ReadSecret", { name: "A" }, metadata);
    metadata.set("authorization", `Bearer ${createAccessToken()}`);
    const wrong = await world.connect(app).call("ReadSecret", { name: "A" }, metadata);
    expect(wrong.reason).toBe("CREDENTIAL_INVALID");
    const records = recordLines(readFileSync(broker.auditFile, "utf8"));
    expect(records.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { principal: "by-token", proven_by: "token" },
      { principal: "", proven_by: "none", outcome: "CREDENTIAL_INVALID" },
    ]);
  });
});

describe("names that are made to deceive", () => {
  const nul = Buffer.from("jobs.example.org\0.evil.example", "latin1");
  const withNul = Buffer.concat([Buffer.from([0x30, nul.length + 2, 0x82, nul.length]), nul]);
  const tricks: Readonly<Record<string, string | undefined>> = {
    "no name but the common one": undefined,
    "two SPIFFE IDs": "URI:spiffe://example.org/app,URI:spiffe://example.org/admin",
    "a SPIFFE ID and another URI": "URI:spiffe://example.org/app,URI:https://example.org/app",
    "another trust domain": "URI:spiffe://example.com/app",
    "a trust domain in upper case": "URI:spiffe://EXAMPLE.org/app",
    "a scheme in upper case": "URI:SPIFFE://example.org/app",
    "another scheme": "URI:https://example.org/app",
    "a trust domain without a path": "URI:spiffe://example.org",
    "a path that ends with a slash": "URI:spiffe://example.org/app/",
    "a path that goes up": "URI:spiffe://example.org/a/../admin",
    "an escaped path": "URI:spiffe://example.org/%61pp",
    "a query": "URI:spiffe://example.org/app?x",
    "a port": "URI:spiffe://example.org:443/app",
    "a user": "URI:spiffe://example.org@example.com/app",
    "a name within a name": "@names\n[names]\nURI.1=spiffe://example.org/app\\, DNS:jobs.example.org",
    "a wildcard": "DNS:*.svc.example.org",
    "a DNS name in upper case": "DNS:JOBS.example.org",
    "a DNS name with a dot at its end": "DNS:jobs.example.org.",
    "two DNS names that are accepted": "DNS:jobs.example.org,DNS:a.svc.example.org",
    "a DNS name two labels below": "DNS:a.b.svc.example.org",
    "a URI beside a DNS name that is accepted": "URI:urn:x,DNS:jobs.example.org",
    "a DNS name as an e-mail address": "email:a@jobs.example.org",
    "a zero character": `DER:${withNul.toString("hex")}`,
  };

  it("are refused", async () => {
    await world.start({ authentication });
    const outcomes = Object.entries(tricks).map(async ([trick, san], index) => {
      const subject = "/CN=jobs.example.org";
      const client = world.authority.issue(`trick-${String(index)}`, { subject, ...(san !== undefined && { san }) });
      return [trick, await world.reasonFor(client)] as const;
    });
    const expected = Object.keys(tricks).map((trick) => [trick, "CREDENTIAL_INVALID"]);
    expect(await Promise.all(outcomes)).toEqual(expected);
  });
});

describe("a connection", () => {
  it("outlives its certificate without being let in, and is made again", async () => {
    await world.start({ authentication });
    const short = world.authority.issue("short", { san: "URI:spiffe://example.org/short", toSeconds: 4 });
    const caller = world.connect(short);
    expect((await caller.call("ReadSecret", { name: "A" })).reason).toBe("SECRET_NOT_FOUND");
    await expect
      .poll(async () => (await caller.call("ReadSecret", { name: "A" })).reason, { timeout: 10_000, interval: 200 })
      .toBe("CREDENTIAL_EXPIRED");
  });

  it("never takes what another one has proven", async () => {
    const broker = await world.start({ authentication });
    const clients = Array.from({ length: 8 }, (_, index) =>
      world.authority.issue(`mixed-${String(index)}`, { san: `URI:spiffe://example.org/mixed/${String(index)}` }),
    );
    const calls = Array.from({ length: 5 }, () => clients.map((client) => world.reasonFor(client))).flat();
    const nobodies = Array.from({ length: 20 }, () => world.reasonFor());
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["SECRET_NOT_FOUND"]));
    expect(new Set(await Promise.all(nobodies))).toEqual(new Set(["CREDENTIAL_MISSING"]));
    await delay(50);
    const principals = recordLines(readFileSync(broker.auditFile, "utf8")).map(
      (line) => (JSON.parse(line) as { principal: string }).principal,
    );
    for (const index of clients.keys()) {
      expect(principals.filter((each) => each === `spiffe://example.org/mixed/${String(index)}`)).toHaveLength(5);
    }
    // Those who have shown nothing are on record as nobody.
    expect(principals.filter((each) => each === "")).toHaveLength(20);
    expect(principals).toHaveLength(60);
  });
});
