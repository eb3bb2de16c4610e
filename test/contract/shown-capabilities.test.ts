import { describe, expect, it } from "vitest";
import { shownCapabilities } from "../../src/contract/shown-capabilities.js";
import type { SecretManager } from "../../src/contract/secret-manager.js";

const reader: SecretManager = { readSecret: () => undefined };

describe("shownCapabilities", () => {
  it("shows nothing for a manager that can only read", () => {
    expect(shownCapabilities(reader)).toEqual([]);
  });

  it("shows what members are there and what is declared, in the order of the list", () => {
    const manager: SecretManager = {
      ...reader,
      supports: { expiry: true, idempotency: false, gracePeriod: true },
      deleteSecret: () => true,
      writeSecret: () => undefined,
      readSecretVersion: () => undefined,
    };
    expect(shownCapabilities(manager)).toEqual(["write", "delete", "versions", "expiry", "grace_period"]);
  });
});
