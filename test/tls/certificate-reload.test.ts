import { X509Certificate } from "node:crypto";
import { chmodSync, renameSync, rmSync, symlinkSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { Metadata } from "@grpc/grpc-js";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { loadTlsFiles } from "../../src/config/tls-files.js";
import { RpcCaller } from "../app/call-rpc.js";
import { run } from "../cli/run-in-process.js";
import { type Issued, TestAuthority } from "./test-authority.js";
import { SlowWay } from "./slow-way.js";
import { TlsWorld } from "./tls-broker.js";

const world = new TlsWorld();
const authentication = "{ certificates: { trust_domains: [example.org] } }";
const app = world.authority.issue("app", { san: "URI:spiffe://example.org/app" });
const patience = { timeout: 10_000, interval: 100 };

afterEach(() => world.stop());
afterAll(() => world.close());

/** The serial number of the certificate that is served. */
function served(address: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const port = Number(address.split(":").at(-1));
    const socket = connect({ host: "localhost", port, ca: world.authority.certificate, ALPNProtocols: ["h2"] }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256);
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

describe("a changed certificate of the broker", () => {
  it("is taken over once it fits its key, while old connections live on", async () => {
    const { address } = await world.start({ authentication });
    const caller = world.connect(app);
    const before = await served(address);
    expect((await caller.call("ReadSecret", { name: "A" })).reason).toBe("SECRET_NOT_FOUND");

    const renewed = world.issueServer("renewed");
    writeFileSync(world.file("tls.crt"), renewed.certificate);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await served(address)).toBe(before);

    writeFileSync(world.file("tls.key"), renewed.key);
    await expect.poll(() => served(address), patience).not.toBe(before);
    const { response, code } = await caller.call("ListSecrets");
    expect({ response, code }).toMatchObject({ code: "OK" });
    expect(await world.reasonFor(app)).toBe("SECRET_NOT_FOUND");
  });

  it("shows in the metrics by when it expires, as connections do by their number", async () => {
    const { address, adminAddress = "" } = await world.start({ authentication, admin: "127.0.0.1:0" });
    const metric = async (name: string): Promise<number> => {
      const text = await (await fetch(`http://${adminAddress}/metrics`)).text();
      return Number(
        text
          .split("\n")
          .find((line) => line.startsWith(`${name} `))
          ?.slice(name.length),
      );
    };
    const expiry = `secret_broker_certificate_expiry_timestamp_seconds{address="${address}"}`;
    const expiryOf = ({ certificate }: Issued): number =>
      new X509Certificate(certificate).validToDate.getTime() / 1_000;
    expect(await metric(expiry)).toBe(expiryOf(world.server));
    expect(await metric("secret_broker_connections")).toBe(0);
    const caller = world.connect(app);
    await caller.call("ReadSecret", { name: "A" });
    expect(await metric("secret_broker_connections")).toBe(1);
    caller.close();
    await expect.poll(() => metric("secret_broker_connections"), patience).toBe(0);

    const renewed = world.issueServer("longer", 7_200);
    expect(expiryOf(renewed)).not.toBe(expiryOf(world.server));
    world.install(renewed);
    await expect.poll(() => metric(expiry), patience).toBe(expiryOf(renewed));
  });

  it("is found when a mounted folder is swapped by a link, as Kubernetes does it", async () => {
    const { address } = await world.start({ authentication });
    const before = await served(address);
    const folder = world.file("mounted");
    const put = (version: string, { certificate, key }: Issued): void => {
      mkdirSync(join(folder, version), { recursive: true });
      writeFileSync(join(folder, version, "tls.crt"), certificate);
      writeFileSync(join(folder, version, "tls.key"), key, { mode: 0o600 });
      symlinkSync(version, join(folder, "next"));
      renameSync(join(folder, "next"), join(folder, "current"));
    };
    put("1", world.server);
    for (const name of ["tls.crt", "tls.key"]) {
      rmSync(world.file(name));
      symlinkSync(join(folder, "current", name), world.file(name));
    }
    put("2", world.issueServer("mounted-2"));
    await expect.poll(() => served(address), patience).not.toBe(before);
  });
});

describe("a changed list of authorities", () => {
  it("ends the trust in those it leaves out, calls and watches, and lets others in", async () => {
    const { address } = await world.start({ authentication });
    const fresh = new TestAuthority(world.folder, `fresh-${String(Date.now())}`);
    const caller = world.connect(app);
    const late = fresh.issue("late", { san: "URI:spiffe://example.org/late" });
    expect((await caller.call("ReadSecret", { name: "A" })).reason).toBe("SECRET_NOT_FOUND");
    expect(await world.reasonFor(late)).toBe("CREDENTIAL_INVALID");
    const value = {
      ...{ names: ["A"], prefixes: [], resumeRevision: 0n },
      ...{ knownVersions: new Map(), knownUids: new Map() },
    };
    const ended = world.connect(app).watch({ action: { $case: "subscribe", value } }, new Metadata());
    await new Promise((resolve) => setTimeout(resolve, 300));

    writeFileSync(world.file("clients.crt"), fresh.certificate);
    await expect.poll(() => world.reasonFor(late), patience).toBe("SECRET_NOT_FOUND");
    expect(await ended).toBe("CREDENTIAL_INVALID");
    expect((await caller.call("ReadSecret", { name: "A" })).reason).toBe("CREDENTIAL_INVALID");
    expect(await world.reasonFor(app)).toBe("CREDENTIAL_INVALID");
    expect(await served(address)).toBeDefined();
  });

  it("ends the trust in handshakes that are drawn out", async () => {
    const { address } = await world.start({ authentication });
    const fresh = new TestAuthority(world.folder, `fresh-${String(Date.now())}`);
    const way = await SlowWay.to(Number(address.split(":").at(-1)));
    const caller = new RpcCaller(`localhost:${String(way.port)}`, world.credentials(app));
    const outcome = caller.call("ReadSecret", { name: "A" });
    await way.isHeld;
    writeFileSync(world.file("clients.crt"), fresh.certificate);
    const late = fresh.issue("late", { san: "URI:spiffe://example.org/late" });
    await expect.poll(() => world.reasonFor(late), patience).toBe("SECRET_NOT_FOUND");
    way.release();
    expect((await outcome).reason).toBe("CREDENTIAL_INVALID");
    caller.close();
    way.close();
  });

  it("that is longer ends nobody's connection", async () => {
    await world.start({ authentication });
    const caller = world.connect(app);
    expect((await caller.call("ReadSecret", { name: "A" })).reason).toBe("SECRET_NOT_FOUND");
    writeFileSync(world.file("clients.crt"), world.authority.certificate + world.stranger.certificate);
    const other = world.stranger.issue("known-now", { san: "URI:spiffe://example.org/other" });
    await expect.poll(() => world.reasonFor(other), patience).toBe("SECRET_NOT_FOUND");
    expect((await caller.call("ReadSecret", { name: "A" })).reason).toBe("SECRET_NOT_FOUND");
  });
});

describe("files of a listener", () => {
  const good = {
    ...{ certificate: world.file("good.crt"), key: world.file("good.key") },
    ...{ clientCa: undefined, clientCertificates: "none" as const },
  };
  const put = ({ certificate, key }: Pick<Issued, "certificate" | "key">, mode = 0o600): void => {
    writeFileSync(good.certificate, certificate);
    writeFileSync(good.key, key);
    chmodSync(good.key, mode);
  };

  it("are refused with what is wrong and how to mend it", async () => {
    const other = world.issueServer("another");
    const expired = world.authority.issue("old", { fromSeconds: -7_200, toSeconds: -3_600 });
    const future = world.authority.issue("new", { fromSeconds: 3_600, toSeconds: 7_200 });
    const { server } = world;
    const cases: readonly (readonly [Pick<Issued, "certificate" | "key">, number, RegExp])[] = [
      [{ ...server, key: other.key }, 0o600, /not the key/u],
      [server, 0o644, /chmod/u],
      [server, 0o660, /chmod/u],
      [{ ...server, certificate: "" }, 0o600, /holds no certificate/u],
      [{ ...server, certificate: server.certificate.replaceAll("a", "b") }, 0o600, /cannot be read|not the key/u],
      [{ ...server, key: "key" }, 0o600, /no private key/u],
      [expired, 0o600, /expired at/u],
      [future, 0o600, /valid only from/u],
    ];
    for (const [pair, mode, problem] of cases) {
      put(pair, mode);
      await expect(loadTlsFiles(good), String(problem)).rejects.toThrow(problem);
    }
    put(server, 0o440);
    await expect(loadTlsFiles(good)).resolves.toMatchObject({ key: server.key });
    const withLeaf = { ...good, clientCa: world.server.certificateFile, clientCertificates: "required" as const };
    await expect(loadTlsFiles(withLeaf)).rejects.toThrow(/not an authority/u);
    await expect(loadTlsFiles({ ...good, certificate: world.file("nowhere") })).rejects.toThrow(/is not there/u);
  });

  it("are checked with the configuration, and keep a broker from starting", async () => {
    await world.start({ authentication });
    await world.stop();
    chmodSync(world.file("tls.key"), 0o604);
    const config = `secret_broker: { manager: { kind: memory }, admin: { listen: "off" }, authentication: ${authentication}, listen: [{ address: "127.0.0.1:0", tls: { certificate: tls.crt, key: tls.key, client_ca: clients.crt } }] }\n`;
    writeFileSync(world.file("config.yaml"), config);
    const checked = await run(["config", "check", world.file("config.yaml")]);
    expect(checked).toMatchObject({ code: 1, stdout: expect.stringMatching(/tls\.key: .*chmod/u) as unknown });
    const served = await run(["serve", "--config", world.file("config.yaml")]);
    expect(served.code).not.toBe(0);
    expect(served.stderr).toMatch(/chmod/u);
  });
});
