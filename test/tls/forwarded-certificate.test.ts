import { recordLines } from "../audit/example-record.js";
import { readFileSync } from "node:fs";
import { Metadata } from "@grpc/grpc-js";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseForwardedCertificate } from "../../src/identity/forwarded-certificate.js";
import type { TestBroker } from "../../src/testkit/start-broker.js";
import { RpcCaller } from "../app/call-rpc.js";
import { TlsWorld } from "./tls-broker.js";

const header = "x-forwarded-client-cert";

describe("a header of Envoy", () => {
  it.each([
    ["URI=spiffe://example.org/a", { uris: ["spiffe://example.org/a"], dnsNames: [] }],
    ['By=spiffe://x/y;Hash=ab;Subject="CN=a,O=\\"b\\"";URI=u;DNS=a;DNS=b', { uris: ["u"], dnsNames: ["a", "b"] }],
    ['uri="a,b;c=d"', { uris: ["a,b;c=d"], dnsNames: [] }],
    ["URI=a;URI=b", { uris: ["a", "b"], dnsNames: [] }],
    ["Hash=ab", { uris: [], dnsNames: [] }],
    ["URI=", { uris: [""], dnsNames: [] }],
  ])("%s is read", (text, names) => {
    expect(parseForwardedCertificate(text)).toEqual(names);
  });

  it.each([
    ...["", "URI", "=a", "URI=a,URI=b", "URI=a, URI=b", "URI=a,", ",URI=a", "URI=a;", ";URI=a", "URI=a;;DNS=b"],
    ...[
      'URI="a',
      'URI="a"b',
      'URI=a"b"',
      'URI="a\\n"',
      "URI=a=b",
      "URI=a\\",
      "Hash=a;Hash=b",
      "Other=a",
      "U RI=a",
      " URI=a",
    ],
  ])("%j is refused", (text) => {
    expect(parseForwardedCertificate(text)).toBeUndefined();
  });

  it("gives no name that is not written in it, whatever it is", () => {
    const piece = fc.constantFrom("URI=", "DNS=", "Hash=", '"', "\\", ";", ",", "=", "a", "spiffe://example.org/x");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join("");
        const { uris = [], dnsNames = [] } = parseForwardedCertificate(text) ?? {};
        for (const name of [...uris, ...dnsNames])
          expect(text.replaceAll("\\", "")).toContain(name.replaceAll("\\", ""));
        expect(uris.length + dnsNames.length).toBeLessThanOrEqual(text.split("=").length - 1);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("a proxy that is named", () => {
  const world = new TlsWorld();
  const proxy = world.authority.issue("proxy", { san: "URI:spiffe://example.org/proxy" });
  const second = world.authority.issue("second", { san: "DNS:second.example.org" });
  const app = world.authority.issue("app", { san: "URI:spiffe://example.org/app" });
  let broker: TestBroker;
  let proxied: RpcCaller;

  beforeAll(async () => {
    broker = await world.start({
      authentication:
        "{ certificates: { trust_domains: [example.org], dns_names: [second.example.org, jobs.example.org] }, forwarded: { proxies: ['spiffe://example.org/proxy', 'dns:second.example.org'] } }",
    });
    proxied = world.connect(proxy);
  });

  afterAll(() => world.close());

  async function reasonFor(caller: RpcCaller, ...headers: readonly string[]): Promise<string> {
    const metadata = new Metadata();
    for (const each of headers) metadata.add(header, each);
    const { code, reason } = await caller.call("ReadSecret", { name: "A" }, metadata);
    return reason ?? code;
  }

  it("speaks for those whose certificates it has seen", async () => {
    for (const name of [
      "URI=spiffe://example.org/behind",
      'By=x;URI="spiffe://example.org/behind"',
      "DNS=jobs.example.org",
    ]) {
      expect(await reasonFor(proxied, name)).toBe("SECRET_NOT_FOUND");
    }
    expect(await reasonFor(world.connect(second), "URI=spiffe://example.org/other")).toBe("SECRET_NOT_FOUND");
    const records = recordLines(readFileSync(broker.auditFile, "utf8"));
    expect(records.map((line): unknown => JSON.parse(line))).toMatchObject([
      { principal: "spiffe://example.org/behind", proven_by: "forwarded_certificate" },
      { principal: "spiffe://example.org/behind", proven_by: "forwarded_certificate" },
      { principal: "dns:jobs.example.org", proven_by: "forwarded_certificate" },
      { principal: "spiffe://example.org/other", proven_by: "forwarded_certificate" },
    ]);
  });

  it.each([
    ["two elements", ["URI=spiffe://example.org/a,URI=spiffe://example.org/b"]],
    ["two headers", ["URI=spiffe://example.org/a", "URI=spiffe://example.org/b"]],
    ["two names", ["URI=spiffe://example.org/a;URI=spiffe://example.org/b"]],
    ["another trust domain", ["URI=spiffe://example.com/a"]],
    ["an element within quotes", ['URI="spiffe://example.org/a,URI=spiffe://example.org/b"']],
    ["a name that goes up", ["URI=spiffe://example.org/a/../b"]],
    ["itself", ["URI=spiffe://example.org/proxy"]],
    ["another proxy", ["DNS=second.example.org"]],
    ["no name", ["Hash=abc"]],
    ["nothing", [""]],
    ["rubbish", ["spiffe://example.org/a"]],
    ["a wildcard", ["DNS=*.example.org"]],
  ])("is refused with %s", async (_what, headers) => {
    expect(await reasonFor(proxied, ...headers)).toBe("CREDENTIAL_INVALID");
  });

  it("does not act for itself", async () => {
    expect(await reasonFor(proxied)).toBe("CREDENTIAL_MISSING");
  });

  it("is nobody else: the header is refused from others, with TLS and without", async () => {
    const forged = "URI=spiffe://example.org/behind";
    expect(await reasonFor(world.connect(app), forged)).toBe("CREDENTIAL_INVALID");
    expect(await reasonFor(world.connect(), forged)).toBe("CREDENTIAL_INVALID");
    expect(
      await reasonFor(world.connect(world.stranger.issue("p", { san: "URI:spiffe://example.org/proxy" })), forged),
    ).toBe("CREDENTIAL_INVALID");
    const plain = new RpcCaller(broker.addresses[1] ?? "");
    expect(await reasonFor(plain, forged)).toBe("CREDENTIAL_INVALID");
    plain.close();
    expect(await reasonFor(world.connect(app))).toBe("SECRET_NOT_FOUND");
  });
});
