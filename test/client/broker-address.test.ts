import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parseBrokerAddress } from "../../src/client/broker-address.js";

describe("parseBrokerAddress", () => {
  it.each([
    ["127.0.0.1:50051", "ipv4:127.0.0.1:50051"],
    ["127.4.5.6:1", "ipv4:127.4.5.6:1"],
    ["localhost:65535", "dns:localhost:65535"],
    ["[::1]:50051", "ipv6:[::1]:50051"],
    ["unix:/run/broker.sock", "unix:/run/broker.sock"],
    ["unix:broker.sock", `unix:${resolve("broker.sock")}`],
  ])("reads %s", (text, target) => {
    expect(parseBrokerAddress(text)).toEqual({ text, target });
  });

  it.each([
    "",
    "localhost",
    ":50051",
    "127.0.0.1:",
    "127.0.0.1:0",
    "127.0.0.1:65536",
    "127.0.0.1:123456",
    "127.0.0.1:5x",
    "http://127.0.0.1:50051",
    "::1:50051",
    "[::1]",
    "[localhost]:50051",
    "two words:50051",
    "unix:",
    "unix:a\0b",
  ])("refuses %j and says what an address is", (text) => {
    expect(() => parseBrokerAddress(text)).toThrow(
      expect.objectContaining({ reason: "FIELD_INVALID", message: expect.stringMatching(/^address must /) as string }),
    );
  });

  it.each(["broker.example:50051", "10.0.0.1:50051", "0.0.0.0:50051", "[fe80::1]:50051", "127.0.0.1.example:1"])(
    "refuses %s, as the connection is not encrypted",
    (text) => {
      expect(() => parseBrokerAddress(text)).toThrow(/must be on this machine .* not encrypted/);
    },
  );
});
