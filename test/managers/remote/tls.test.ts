import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import type { RemoteTlsConfig } from "../../../src/config/config.js";
import type { SecretManager } from "../../../src/contract/secret-manager.js";
import { ReadSecretResponse } from "../../../src/gen/secretbroker/manager/v1/secret_manager.js";
import { DialledSource } from "../../../src/managers/remote/dialled-source.js";
import { openRemoteManager } from "../../../src/managers/remote/manager-pool.js";
import { type Issued, TestAuthority } from "../../tls/test-authority.js";
import { always, callOf, goodHello, refusalOf, type Script, serveSecured } from "./scripted-manager.js";

const folder = mkdtempSync(join(tmpdir(), "remote-tls-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const authority = new TestAuthority(folder, "authority");
const stranger = new TestAuthority(folder, "stranger");
const server = authority.issue("server", { san: "DNS:localhost,IP:127.0.0.1", usage: "serverAuth" });
const broker = authority.issue("broker", { san: "URI:spiffe://example.org/broker", usage: "clientAuth" });
const unknown = stranger.issue("unknown", { usage: "clientAuth" });

const trusting: RemoteTlsConfig = {
  caPath: authority.certificateFile,
  certificatePath: undefined,
  keyPath: undefined,
};
const reads: Script = {
  readSecret: always(
    ReadSecretResponse.fromPartial({
      name: "NAME",
      payload: { payload: { $case: "text", value: "value" } },
      version: { version: 1, active: true },
    }),
  ),
};

function proving({ certificateFile, keyFile }: Issued): RemoteTlsConfig {
  return { ...trusting, certificatePath: certificateFile, keyPath: keyFile };
}

interface Told {
  readonly up: string[];
  readonly down: string[];
}

async function dial(address: string, tls: RemoteTlsConfig, startTimeoutMs = 20_000): Promise<SecretManager & Told> {
  const told: Told = { up: [], down: [] };
  const separator = address.lastIndexOf(":");
  const [host, port] = [address.slice(0, separator), Number(address.slice(separator + 1))];
  const manager = await openRemoteManager([new DialledSource({ kind: "tcp", host, port }, tls)], {
    startTimeoutMs,
    connection: { brokerVersion: "1.2.3", maxReceiveBytes: 64 * 1024, onNote: () => undefined },
    events: {
      onUp: (name) => told.up.push(name),
      onDown: (_name, thrown) => told.down.push(thrown instanceof Error ? thrown.message : ""),
    },
  });
  onTestFinished(() => manager.close());
  return Object.assign(manager, told);
}

async function readFrom(manager: SecretManager): Promise<unknown> {
  return await manager.readSecret("NAME", callOf());
}

describe("a manager over TLS", () => {
  it.each(["localhost", "127.0.0.1"])("is reached at %s, a name its certificate holds", async (host) => {
    const { port } = await serveSecured(reads, server);
    const manager = await dial(`${host}:${String(port)}`, trusting);
    expect(await readFrom(manager)).toMatchObject({ value: "value" });
  });

  it.each([
    [
      "another authority",
      stranger.issue("other", { san: "DNS:localhost,IP:127.0.0.1" }),
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    ],
    ["another name", authority.issue("named", { san: "DNS:elsewhere.example" }), "ERR_TLS_CERT_ALTNAME_INVALID"],
    [
      "a time that is over",
      authority.issue("old", { san: "DNS:localhost,IP:127.0.0.1", toSeconds: -1 }),
      "CERT_HAS_EXPIRED",
    ],
  ])("with a certificate of %s is refused at once, and why is told", async (_title, issued, code) => {
    const asked: unknown[] = [];
    const handshake: Script["handshake"] = (call, callback) => {
      asked.push(call.request);
      callback(null, goodHello);
    };
    const { port } = await serveSecured({ handshake }, issued);
    for (const host of ["localhost", "127.0.0.1"]) {
      // A start that waited for its time would be told apart by its message.
      expect(await refusalOf(dial(`${host}:${String(port)}`, trusting))).toEqual({
        reason: "CONFIG_INVALID",
        message: `secret_broker.manager.tls: TLS failed (${code}); check tls.ca, and that the manager's certificate holds its host`,
      });
    }
    expect(asked).toEqual([]);
  });

  it("is not what speaks without it", async () => {
    const plain = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.end("SSH-2.0-nothing\r\n");
    });
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void plain.close());
    const { port } = plain.address() as AddressInfo;
    const { message } = await refusalOf(dial(`127.0.0.1:${String(port)}`, trusting));
    expect(message).toMatch(/^secret_broker\.manager\.tls: TLS failed \(ERR_SSL_/u);
  });

  it("is refused with files that cannot be used, and they are named", async () => {
    const { port } = await serveSecured(reads, server);
    const address = `localhost:${String(port)}`;
    const missing = { ...trusting, caPath: join(folder, "missing.pem") };
    expect((await refusalOf(dial(address, missing))).message).toContain("missing.pem cannot be read");
    const unlike = { ...proving(broker), keyPath: unknown.keyFile };
    expect((await refusalOf(dial(address, unlike))).message).toContain("the key do not go together");
  });
});

describe("a manager that asks for the broker's certificate", () => {
  const asking = { ...server, clients: authority.certificate };

  it("is given it", async () => {
    const { port } = await serveSecured(reads, asking);
    const manager = await dial(`localhost:${String(port)}`, proving(broker));
    expect(await readFrom(manager)).toMatchObject({ value: "value" });
  });

  it("is not reached without one, which is told at once", async () => {
    const { port } = await serveSecured(reads, asking);
    const { message } = await refusalOf(dial(`localhost:${String(port)}`, trusting));
    expect(message).toContain("ALERT_CERTIFICATE_REQUIRED");
    expect(message).toContain("the manager did not accept the broker: check tls.certificate and tls.key");
  });

  it("is not reached with one of another authority", async () => {
    const { port } = await serveSecured(reads, asking);
    const { message } = await refusalOf(dial(`localhost:${String(port)}`, proving(unknown), 5_000));
    // Node.js closes such a connection without a word.
    expect(message).toContain("within 5 seconds: secret_broker.manager.tls: a connection was closed after");
    expect(message).toContain("check tls.certificate and tls.key");
  });
});

describe("files that are replaced while the broker runs", () => {
  /** What the broker is told to take, in files that a test can change. */
  function files(name: string): { readonly tls: RemoteTlsConfig; install(own: Issued, ca: TestAuthority): void } {
    const [caPath, certificatePath, keyPath] = ["ca", "crt", "key"].map((end) => join(folder, `${name}.${end}`));
    const install = (own: Issued, ca: TestAuthority): void => {
      writeFileSync(caPath ?? "", ca.certificate);
      copyFileSync(own.certificateFile, certificatePath ?? "");
      copyFileSync(own.keyFile, keyPath ?? "");
    };
    return { tls: { caPath, certificatePath, keyPath }, install };
  }

  it("are taken for the next connection, and the one that stands is left alone", { timeout: 60_000 }, async () => {
    const { tls, install } = files("replaced");
    install(broker, authority);
    const first = await serveSecured(reads, { ...server, clients: authority.certificate });
    const manager = await dial(`localhost:${String(first.port)}`, tls);
    install(unknown, stranger);
    expect(await readFrom(manager)).toMatchObject({ value: "value" });
    first.stop();
    const moved = stranger.issue("moved", { san: "DNS:localhost", usage: "serverAuth" });
    await serveSecured(reads, { ...moved, clients: stranger.certificate }, first.port);
    await expect.poll(() => manager.up.length, { timeout: 30_000 }).toBe(2);
    expect(await readFrom(manager)).toMatchObject({ value: "value" });
  });

  it("end a refusal without a restart, and the log says why it was one", { timeout: 60_000 }, async () => {
    const { tls, install } = files("ending");
    install(broker, authority);
    const first = await serveSecured(reads, { ...server, clients: authority.certificate });
    const manager = await dial(`localhost:${String(first.port)}`, tls);
    first.stop();
    const moved = stranger.issue("ending", { san: "DNS:localhost", usage: "serverAuth" });
    await serveSecured(reads, { ...moved, clients: authority.certificate }, first.port);
    await expect.poll(() => manager.down.at(-1), { timeout: 30_000 }).toContain("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    expect((await refusalOf(readFrom(manager))).reason).toBe("MANAGER_UNAVAILABLE");
    install(broker, stranger);
    await expect.poll(() => manager.up.length, { timeout: 30_000 }).toBe(2);
    expect(await readFrom(manager)).toMatchObject({ value: "value" });
  });

  it("are taken within the time for a start", { timeout: 60_000 }, async () => {
    const { tls, install } = files("within");
    install(unknown, authority);
    const { port } = await serveSecured(reads, { ...server, clients: authority.certificate });
    const dialling = dial(`localhost:${String(port)}`, tls, 40_000);
    setTimeout(() => install(broker, authority), 300);
    expect(await readFrom(await dialling)).toMatchObject({ value: "value" });
  });
});
