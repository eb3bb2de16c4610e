import { describe, expect, it } from "vitest";
import { configOf, problemsOf, withMemory } from "./config-text.js";

const tls = "tls: { certificate: s.crt, key: s.key }";
const mutual = "tls: { certificate: s.crt, key: s.key, client_ca: ca.crt }";
const tokens = "  authentication: { tokens: { file: t.yaml } }\n";
const certificates = "  authentication: { certificates: { trust_domains: [example.org] } }\n";

function entry(address: string, more: string): string {
  return `  listen: [{ address: "${address}", ${more} }]\n`;
}

describe("secret_broker.listen with tls", () => {
  it("may be beyond this machine, as long as callers are told apart", () => {
    const [address] = configOf(withMemory(entry("0.0.0.0:50053", tls) + tokens)).listen;
    expect(address).toEqual({
      ...{ kind: "tcp", host: "0.0.0.0", port: 50_053 },
      tls: {
        ...{ certificate: "/etc/broker/s.crt", key: "/etc/broker/s.key" },
        ...{ clientCa: undefined, clientCertificates: "none" },
      },
    });
    expect(problemsOf(withMemory(entry("0.0.0.0:50053", tls)))[0]?.message).toMatch(
      /add secret_broker.authentication/u,
    );
    expect(problemsOf(withMemory(entry("127.0.0.1:50053", tls)))).toEqual([]);
  });

  it("asks for certificates where it knows their authority, and then says what they prove", () => {
    const { listen, authentication } = configOf(withMemory(entry("[::]:50053", mutual) + certificates));
    expect(listen).toMatchObject([
      { host: "::", tls: { clientCa: "/etc/broker/ca.crt", clientCertificates: "required" } },
    ]);
    expect(authentication?.certificates).toEqual({ trustDomains: ["example.org"], dnsNames: [], principals: [] });
    expect(problemsOf(withMemory(entry("[::]:50053", mutual) + tokens))[0]?.message).toMatch(/prove nothing/u);
    expect(problemsOf(withMemory(entry("[::]:50053", tls) + certificates))[0]?.message).toMatch(/no listener asks/u);
  });

  it.each([
    ["unix:a.sock", mutual, "tls", "is not used by a Unix socket"],
    ["127.0.0.1:1", `principal: a, ${tls}`, "address", "must be a Unix socket"],
    ["127.0.0.1:1", "groups: [a]", "address", "must be a Unix socket"],
    ["127.0.0.1:1", "", "tls", "is missing"],
    ["0.0.0.0:1", "", "address", "loopback"],
    ["unix:a.sock", "", "principal", "is missing"],
    ["127.0.0.1:1", "tls: { certificate: a }", "tls.key", "is missing"],
    ["127.0.0.1:1", "tls: { certificate: a, key: b, client_certificates: optional }", "tls.client_ca", "is missing"],
    [
      "127.0.0.1:1",
      "tls: { certificate: a, key: b, client_ca: c, client_certificates: none }",
      "tls.client_ca",
      "not used",
    ],
    ["127.0.0.1:1", "tls: { certificate: a, key: b, client_certificate: none }", "tls", "unknown"],
    ["127.0.0.1:1", 'tls: { certificate: a, key: "" }', "tls.key", ""],
  ])("%s with %s is refused at %s", (...[address, more, place, message]) => {
    const problems = problemsOf(withMemory(entry(address, more) + certificates));
    const found = problems.filter(({ path }) => path.startsWith("secret_broker.listen"));
    expect(found.map(({ path }) => path).join(), JSON.stringify(problems)).toContain(place);
    expect(found.map((each) => each.message).join("\n")).toContain(message);
  });
});

describe("secret_broker.authentication.certificates", () => {
  it.each([
    ["certificates: {}", "accepts no certificate"],
    ["certificates: { trust_domains: [Example.org] }", "lower case"],
    ["certificates: { trust_domains: ['spiffe://example.org'] }", "without spiffe://"],
    ["certificates: { dns_names: ['a.*.org'] }", "DNS name"],
    ["certificates: { dns_names: [A.org] }", "lower case"],
    ["certificates: { dns_names: [a], principals: [{ certificate: a, principal: p }] }", "dns:"],
    [
      "certificates: { dns_names: [a], principals: [{ certificate: 'dns:a', principal: p }, { certificate: 'dns:a', principal: q }] }",
      "already",
    ],
    ["tokens: { file: t }, forwarded: { proxies: [p] }", "not used without"],
    ["certificates: { dns_names: [a] }, forwarded: { proxies: [] }", ""],
    ["{}", "must name a way"],
  ])("%s is refused", (text, message) => {
    const section = text === "{}" ? text : `{ ${text} }`;
    const problems = problemsOf(withMemory(entry("127.0.0.1:1", mutual) + `  authentication: ${section}\n`));
    expect(problems.filter(({ path }) => path.startsWith("secret_broker.authentication"))).not.toEqual([]);
    expect(problems.map((each) => each.message).join("\n")).toContain(message);
  });
});
