import { describe, expect, it } from "vitest";
import { parseListenAddress } from "../../src/config/listen-address.js";
import { placesOf, withMemory } from "./config-text.js";

const parse = (text: string): unknown => parseListenAddress(text, "/base");
const problem = (words: string): unknown => ({ problem: expect.stringContaining(words) as string });

describe("a listen address", () => {
  it.each([
    ["127.0.0.1:50051", "127.0.0.1", 50_051],
    ["127.0.0.1:0", "127.0.0.1", 0],
    ["127.0.0.1:65535", "127.0.0.1", 65_535],
    ["127.255.0.9:1", "127.255.0.9", 1],
    ["localhost:80", "localhost", 80],
    ["LocalHost:80", "localhost", 80],
    ["[::1]:443", "::1", 443],
    ["127.0.0.1:00080", "127.0.0.1", 80],
  ])("%s is on loopback", (text, host, port) => {
    expect(parse(text)).toEqual({ address: { kind: "tcp", host, port } });
  });

  it.each([
    "0.0.0.0:50051",
    "[::]:50051",
    "10.0.0.1:1",
    "192.168.1.1:1",
    "8.8.8.8:53",
    "169.254.169.254:80",
    "broker.example:443",
    "localhost.example:443",
    "127.0.0.1.example:1",
    "127.1:1",
    "128.0.0.1:1",
    "2130706433:1",
    "0177.0.0.1:1",
    "[2001:db8::1]:1",
    "[fe80::1]:1",
    "[::ffff:8.8.8.8]:1",
  ])("%s is refused, as it is not on loopback", (text) => {
    expect(parse(text)).toEqual(problem("loopback"));
  });

  it.each([
    "",
    ":50051",
    "127.0.0.1",
    "localhost",
    "127.0.0.1:",
    "127.0.0.1:abc",
    "127.0.0.1:-1",
    "127.0.0.1:1.5",
    "127.0.0.1:0x50",
    "127.0.0.1: 80",
    " 127.0.0.1:80",
    "127.0.0.1:80 ",
    "127.0.0.1:80\n",
    "::1:50051",
    "[::1]",
    "[]:1",
    "[localhost]:1",
    "[::1:1",
    "a:b:1",
    "http://127.0.0.1:80",
    "dns:///localhost:80",
    "UNIX:a.sock",
    "/run/broker.sock",
  ])("%j is refused with the forms there are", (text) => {
    expect(parse(text)).toEqual(problem("HOST:PORT, [IPv6]:PORT or unix:PATH"));
  });

  it.each(["127.0.0.1:65536", "127.0.0.1:99999", "0.0.0.0:65536"])("%s has no such port", (text) => {
    expect(parse(text)).toEqual(problem("65535"));
  });

  it.each([
    ["unix:/run/broker.sock", "/run/broker.sock"],
    ["unix:///run/broker.sock", "/run/broker.sock"],
    ["unix:broker.sock", "/base/broker.sock"],
    ["unix:./a/../b.sock", "/base/b.sock"],
    ["unix:../b.sock", "/b.sock"],
    ["unix:a b:c.sock", "/base/a b:c.sock"],
    [`unix:/${"x".repeat(106)}`, `/${"x".repeat(106)}`],
  ])("%s is a Unix socket", (text, path) => {
    expect(parse(text)).toEqual({ address: { kind: "unix", path } });
  });

  it.each([
    ["unix:", "unix:PATH"],
    ["unix:a\0b", "zero"],
    ["unix:run/", "directory"],
    [`unix:/${"x".repeat(107)}`, "107 bytes"],
    [`unix:${"x".repeat(102)}`, "107 bytes"],
    [`unix:/${"ü".repeat(54)}`, "107 bytes"],
  ])("%j is no path of a Unix socket", (text, words) => {
    expect(parse(text)).toEqual(problem(words));
  });
});

describe("secret_broker.listen", () => {
  const place = "3:11 secret_broker.listen";

  it.each([
    ['"0.0.0.0:1"', place],
    ["[]", place],
    ["7", place],
    ["[127.0.0.1:1, 127.0.0.1:1]", "3:25 secret_broker.listen[1]"],
    ["[unix:a, 'unix:./a']", "3:20 secret_broker.listen[1]"],
    ["[127.0.0.1:1, 7]", "3:25 secret_broker.listen[1]"],
    ["[~]", "3:12 secret_broker.listen[0]"],
    ["[[127.0.0.1:1]]", "3:12 secret_broker.listen[0]"],
  ])("%s is refused at its place", (listen, at) => {
    expect(placesOf(withMemory(`  listen: ${listen}\n`))).toEqual([at]);
  });

  it("asks the system for as many free ports as it likes", () => {
    expect(placesOf(withMemory("  listen: [127.0.0.1:0, 127.0.0.1:0]\n  admin: { listen: 127.0.0.1:0 }\n"))).toEqual(
      [],
    );
  });

  it.each(["127.0.0.1:50052", "LOCALHOST:9", "unix:a"])("does not share %s with the admin listener", (address) => {
    const text = withMemory(`  listen: ["${address}"]\n  admin: { listen: "${address.toLowerCase()}" }\n`);
    expect(placesOf(text)).toEqual(["4:20 secret_broker.admin.listen"]);
  });

  it.each(["0.0.0.0:9", "on", "OFF", "''"])("admin does not listen on %s", (listen) => {
    expect(placesOf(withMemory(`  admin: { listen: ${listen} }\n`))).toEqual(["3:20 secret_broker.admin.listen"]);
  });
});
