import { copyFileSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type ClientOptions, SecretBrokerClient } from "../../src/client/index.js";
import { TestAuthority, type TestCertificate } from "./certificates.js";
import { type MapBroker, startMapBroker } from "./map-broker.js";

const directory = mkdtempSync(join(tmpdir(), "tls-"));
let authority: TestAuthority;
let stranger: TestAuthority;
let server: TestCertificate;
let person: TestCertificate;

beforeAll(() => {
  authority = new TestAuthority(directory, "authority");
  stranger = new TestAuthority(directory, "stranger");
  server = authority.sign("server", "DNS:localhost,DNS:broker.internal,IP:127.0.0.1");
  person = authority.sign("person", "URI:spiffe://example.org/app");
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(mustProve = false, bind = "127.0.0.1:0"): Promise<MapBroker> {
  const broker = await startMapBroker({ bind, credentials: authority.serverCredentials(server, mustProve) });
  cleanups.push(() => {
    broker.stop();
  });
  return broker;
}

function connect(address: string, tls: ClientOptions["tls"]): SecretBrokerClient {
  const client = new SecretBrokerClient(address, { tls, retry: { attempts: 1 } });
  cleanups.push(() => {
    client.close();
  });
  return client;
}

function portOf({ address }: MapBroker): string {
  return address.slice(address.lastIndexOf(":") + 1);
}

describe("an encrypted connection", () => {
  it.each(["127.0.0.1", "localhost"])("is made when the broker's certificate is for %s", async (host) => {
    const client = connect(`${host}:${portOf(await start())}`, { ca: authority.certificate });
    await client.writeSecret({ name: "key", payload: "value" });
    expect(await client.readSecret({ name: "key" })).toMatchObject({ secret: { payload: "value" } });
  });

  it("is made over a Unix socket", async () => {
    const { address } = await start(false, `unix:${join(directory, "broker.sock")}`);
    const client = connect(address, { ca: { file: authority.file } });
    expect(await client.listSecrets()).toMatchObject({ secrets: [] });
  });

  it("is made when the certificate holds the name that is asked for", async () => {
    const { address } = await start();
    const client = connect(address, { ca: () => Buffer.from(authority.certificate), serverName: "broker.internal" });
    expect(await client.listSecrets()).toMatchObject({ secrets: [] });
  });

  it("is refused to a broker with a certificate of another authority", async () => {
    const { address, requests } = await start();
    await expect(connect(address, { ca: stranger.certificate }).listSecrets()).rejects.toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
      message: expect.stringMatching(/TLS handshake failed \([A-Z_]+\); check tls\.ca/) as string,
    });
    await expect(connect(address, true).listSecrets()).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    expect(requests).toEqual([]);
  });

  it("is refused to a broker with a certificate for another name", async () => {
    const { address, requests } = await start();
    const client = connect(address, { ca: authority.certificate, serverName: "other.internal" });
    await expect(client.listSecrets()).rejects.toMatchObject({
      message: expect.stringContaining("ERR_TLS_CERT_ALTNAME_INVALID") as string,
    });
    expect(requests).toEqual([]);
  });

  it("may leave this machine", () => {
    expect(() => connect("broker.example.org:443", { ca: authority.certificate })).not.toThrow();
    expect(() => connect("broker.example.org:443", undefined)).toThrow(/give tls to go further/);
    expect(() => connect("broker example:443", true)).toThrow(/address must/);
  });
});

describe("a certificate that proves who calls", () => {
  it("is sent, and needed where the broker wants one", async () => {
    const { address } = await start(true);
    const { certificate, key } = person;
    const client = connect(address, { ca: authority.certificate, certificate, key });
    expect(await client.listSecrets()).toMatchObject({ secrets: [] });
    const nobody = connect(address, { ca: authority.certificate });
    await expect(nobody.listSecrets()).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
  });

  it("is read again from its file for the next connection, once it goes with its key", async () => {
    const [certificateFile, keyFile] = [join(directory, "live.pem"), join(directory, "live.key")];
    const other = stranger.sign("person", "URI:spiffe://example.org/other");
    copyFileSync(other.certificateFile, certificateFile);
    copyFileSync(other.keyFile, keyFile);
    const broker = await start(true);
    const tls = { ca: authority.certificate, certificate: { file: certificateFile }, key: { file: keyFile } };
    const client = connect(broker.address, tls);
    await expect(client.listSecrets()).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    // Halfway through the renewal.
    replace(person.certificateFile, certificateFile);
    await expect(client.listSecrets()).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    replace(person.keyFile, keyFile);
    await expect.poll(() => client.listSecrets().catch(() => "not yet"), { timeout: 15_000 }).not.toBe("not yet");
  });

  it("is refused without its key, and with another's", async () => {
    const { certificate } = person;
    expect(() => connect("127.0.0.1:1", { certificate })).toThrow(/tls\.certificate must be given together/);
    const { address } = await start();
    const client = connect(address, { ca: authority.certificate, certificate, key: server.key });
    await expect(client.listSecrets()).rejects.toMatchObject({
      reason: "CREDENTIAL_INVALID",
      message: "tls.key is not the private key of tls.certificate",
    });
  });

  it.each([
    [{ ca: { file: "/nonexistent/ca.pem" } }, /"\/nonexistent\/ca\.pem" given as tls\.ca cannot be read \(ENOENT\)/],
    [{ ca: "no PEM", certificate: "canary", key: "canary" }, /must be PEM text/],
    [{ ca: () => Promise.reject(new Error("canary")) }, /the function given as tls\.ca failed/],
  ])("is explained when it cannot be read", async (tls, message) => {
    const { address } = await start();
    const failure: unknown = await connect(address, tls)
      .listSecrets()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: expect.stringMatching(message) as string });
    expect((failure as Error).message).not.toContain("canary");
  });
});

function replace(source: string, target: string): void {
  copyFileSync(source, `${target}.new`);
  renameSync(`${target}.new`, target);
}
