import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestAuthority, type TestCertificate } from "../client/certificates.js";
import { type MapBroker, startMapBroker } from "../client/map-broker.js";
import { run } from "./run-in-process.js";

const directory = mkdtempSync(join(tmpdir(), "cli-tls-"));
let authority: TestAuthority;
let person: TestCertificate;
let broker: MapBroker;

beforeAll(async () => {
  authority = new TestAuthority(directory, "authority");
  const server = authority.sign("server", "IP:127.0.0.1");
  person = authority.sign("person", "URI:spiffe://example.org/app");
  broker = await startMapBroker({ credentials: authority.serverCredentials(server, true) });
});
afterAll(() => {
  broker.stop();
  rmSync(directory, { recursive: true });
});

function proof(): string[] {
  return ["--certificate", person.certificateFile, "--key", person.keyFile];
}

describe("a command line that speaks TLS", () => {
  it("reaches a broker that asks for a certificate", async () => {
    const options = ["--address", broker.address, "--ca-file", authority.file, ...proof()];
    expect(await run(["write", "KEY", ...options], { stdin: "value" })).toMatchObject({ code: 0 });
    expect(await run(["get", "KEY", ...options])).toMatchObject({ code: 0, stdout: "value" });
  });

  it.each([
    ["its authority", () => proof()],
    ["a certificate", () => ["--ca-file", authority.file]],
  ])("does not without %s", async (_label, options) => {
    const argv = ["get", "KEY", "--address", broker.address, "--timeout", "500ms", ...options()];
    const { code, stdout } = await run(argv);
    expect(stdout).toBe("");
    expect([4, 5]).toContain(code);
  });
});
