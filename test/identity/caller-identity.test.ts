import { describe, expect, it } from "vitest";
import { CallerIdentity, type IdentityMethods } from "../../src/identity/caller-identity.js";

const nothing: IdentityMethods = { tokens: undefined, certificates: undefined, jwt: undefined };
const call = { peer: "192.0.2.1:4711", authorization: undefined };

describe("a listener without any way to prove who calls", () => {
  it("serves this machine as local", () => {
    expect(new CallerIdentity(() => nothing).identify(call)).toMatchObject({ principal: "local", provenBy: "none" });
  });

  it("serves nobody where other machines can connect, as after a reload that takes authentication away", () => {
    const identity = new CallerIdentity(() => nothing, { servesOthers: true });
    expect(() => identity.identify(call)).toThrow(expect.objectContaining({ reason: "CREDENTIAL_MISSING" }));
  });
});
