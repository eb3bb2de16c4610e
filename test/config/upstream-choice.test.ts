import { describe, expect, it } from "vitest";
import { configOf, placesOf, problemsOf } from "./config-text.js";

const manager = (text: string): string => `secret_broker:\n  manager: ${text}\n`;

describe("secret_broker.manager with kind: upstream", () => {
  it("takes one address beside the file", () => {
    expect(configOf(manager("{ kind: upstream, address: unix:central.sock }")).manager).toEqual({
      kind: "upstream",
      addresses: [{ kind: "unix", path: "/etc/broker/central.sock" }],
      tls: undefined,
      tokenPath: undefined,
    });
  });

  it("takes several hosts with TLS and a token", () => {
    const tls = "{ ca: ca.pem, certificate: c.pem, key: k.pem }";
    const text = `{ kind: upstream, address: ['127.0.0.1:1', 'b.example:2'], tls: ${tls}, token_file: token }`;
    expect(configOf(manager(text)).manager).toEqual({
      kind: "upstream",
      addresses: [
        { kind: "tcp", host: "127.0.0.1", port: 1 },
        { kind: "tcp", host: "b.example", port: 2 },
      ],
      tls: {
        caPath: "/etc/broker/ca.pem",
        certificatePath: "/etc/broker/c.pem",
        keyPath: "/etc/broker/k.pem",
      },
      tokenPath: "/etc/broker/token",
    });
  });

  it.each([
    ["{ kind: upstream }", "2:12 secret_broker.manager.address", "is missing"],
    ["{ kind: upstream, address: 'b.example:2' }", "2:39 secret_broker.manager.address", '"tls"'],
    ["{ kind: upstream, address: '127.0.0.1:0' }", "2:39 secret_broker.manager.address", "port"],
    ["{ kind: upstream, address: [unix:a, b] }", "2:48 secret_broker.manager.address[1]", "HOST:PORT"],
    ["{ kind: upstream, address: 'h:2', tls: { key: k } }", "2:51 secret_broker.manager.tls.certificate", "is missing"],
    ["{ kind: upstream, address: unix:a, tokenfile: t }", "2:47 secret_broker.manager.tokenfile", "token_file"],
  ])("%s is refused where it stands", (text, place, message) => {
    expect(placesOf(manager(text))).toEqual([place]);
    expect(problemsOf(manager(text))[0]?.message).toContain(message);
  });
});

describe("secret_broker.cache.snapshot", () => {
  const cached = (cache: string, kind = "{ kind: upstream, address: unix:a }"): string =>
    `secret_broker:\n  manager: ${kind}\n  cache: ${cache}\n`;

  it("is the manager's, with the store's key and without the cache's bound, which a reload may change", () => {
    const text = cached("{ ttl: 1s, max_stale: 1h, snapshot: { path: run/s } }");
    const { manager } = configOf(text);
    expect(manager.kind === "upstream" && manager.snapshot).toEqual({
      path: "/etc/broker/run/s",
      encryption: { kind: "file", path: "/etc/broker/.secret-broker/secrets.key" },
    });
  });

  it.each([
    [cached("{ ttl: 1s, snapshot: { path: s } }"), "max_stale"],
    [cached("{ ttl: 1s, max_stale: 1h, snapshot: { path: s } }", "{ kind: memory }"), "not used"],
  ])("%s is refused where it stands", (text, message) => {
    expect(placesOf(text)).toEqual([expect.stringMatching(/^3:\d+ secret_broker\.cache\.snapshot$/)]);
    expect(problemsOf(text)[0]?.message).toContain(message);
  });
});
