import { describe, expect, it } from "vitest";
import { configOf, placesOf, problemsOf } from "./config-text.js";

const store = (encryption: string): string =>
  `secret_broker:\n  manager: { kind: sqlite, path: s.db }\n  encryption: ${encryption}\n`;

describe("secret_broker.encryption", () => {
  it.each([
    ["", { kind: "file", path: "/etc/broker/.secret-broker/secrets.key" }],
    ["{ kind: file }", { kind: "file", path: "/etc/broker/.secret-broker/secrets.key" }],
    ["{ kind: file, path: ../k }", { kind: "file", path: "/etc/k" }],
    ["{ kind: environment, variable: KEY }", { kind: "environment", variable: "KEY" }],
    ["{ kind: passphrase, path: /run/p }", { kind: "passphrase", path: "/run/p" }],
    ["{ kind: passphrase, variable: P }", { kind: "passphrase", variable: "P" }],
    ["{ kind: kms, socket: kms.sock }", { kind: "kms", socket: "/etc/broker/kms.sock" }],
    ["{ kind: kms, socket: unix:///run/kms.sock }", { kind: "kms", socket: "/run/kms.sock" }],
  ])("%s belongs to the store", (encryption, expected) => {
    expect(configOf(store(encryption)).manager).toEqual({
      kind: "sqlite",
      path: "/etc/broker/s.db",
      encryption: expected,
    });
  });

  it.each([
    ["{ kind: environment }", "3:15 secret_broker.encryption.variable", "is missing"],
    [
      "{ kind: environment, variable: 1K }",
      "3:46 secret_broker.encryption.variable",
      "name of an environment variable",
    ],
    ["{ kind: passphrase }", "3:15 secret_broker.encryption.path", "is missing"],
    ["{ kind: passphrase, path: p, variable: P }", "3:54 secret_broker.encryption.variable", "keep one of them"],
    ["{ kind: kms }", "3:15 secret_broker.encryption.socket", "is missing"],
    [`{ kind: kms, socket: /${"s".repeat(108)} }`, "3:36 secret_broker.encryption.socket", "107"],
    ["{ kind: vault }", "3:23 secret_broker.encryption.kind", '"file", "environment", "passphrase", "kms"'],
    ["{ kind: file, variable: K }", "3:29 secret_broker.encryption.variable", "kind"],
    ["secret", "3:15 secret_broker.encryption", "must be a mapping"],
  ])("%s is refused", (encryption, at, text) => {
    expect(placesOf(store(encryption))).toEqual([at]);
    expect(problemsOf(store(encryption))[0]?.message).toContain(text);
  });

  it("is refused beside a manager that has no store", () => {
    const text = "secret_broker:\n  manager: { kind: memory }\n  encryption: { kind: file }\n";
    expect(placesOf(text)).toEqual(["3:15 secret_broker.encryption"]);
    const litellm =
      "general_settings: { key_management_system: local }\nsecret_broker: { encryption: { kind: file } }\n";
    expect(problemsOf(litellm)[0]?.message).toContain('is not used by a manager of kind "environment"');
  });
});
