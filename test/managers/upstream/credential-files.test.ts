import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { TestAuthority } from "../../client/certificates.js";
import { type MapBroker, startMapBroker } from "../../client/map-broker.js";
import { clientOf, start } from "./start-sidecar.js";

const patience = { timeout: 30_000 };

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), "sidecar-files-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Replaces a file at once, as whoever renews it should. */
function replace(path: string, source: string): void {
  copyFileSync(source, `${path}.next`);
  renameSync(`${path}.next`, path);
}

async function centralOf(authority: TestAuthority, bind: string): Promise<MapBroker> {
  const pair = authority.sign("central", "DNS:localhost,IP:127.0.0.1");
  const central = await startMapBroker({ bind, credentials: authority.serverCredentials(pair, true) });
  onTestFinished(() => {
    central.stop();
  });
  return central;
}

describe("files by which a sidecar proves itself", { timeout: 60_000 }, () => {
  it("are taken over while it runs: authority, certificate and key", async () => {
    const folder = folderOf();
    const file = (name: string): string => join(folder, name);
    const install = (authority: TestAuthority): void => {
      const { certificateFile, keyFile } = authority.sign("sidecar", "URI:spiffe://example.org/sidecar");
      replace(file("ca.crt"), authority.file);
      replace(file("tls.crt"), certificateFile);
      replace(file("tls.key"), keyFile);
    };
    const [old, renewed] = [new TestAuthority(folder, "old"), new TestAuthority(folder, "renewed")];
    install(old);
    const first = await centralOf(old, "127.0.0.1:0");
    const tls = `{ ca: ${file("ca.crt")}, certificate: ${file("tls.crt")}, key: ${file("tls.key")} }`;
    const sidecar = await start(`{ kind: upstream, address: "${first.address}", tls: ${tls} }`);
    const client = clientOf(sidecar.address);
    await client.writeSecret({ name: "A", payload: "of the old authority" });
    first.stop();
    const second = await centralOf(renewed, first.address);
    // Neither trusts the other any more.
    await expect(client.writeSecret({ name: "A", payload: "x" })).rejects.toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
    });
    expect(second.requests).toEqual([]);
    install(renewed);
    const write = async (): Promise<unknown> => await client.writeSecret({ name: "A", payload: "of the renewed" });
    await expect.poll(async () => await write().then(() => "written", String), patience).toBe("written");
    expect(await client.readSecret({ name: "A" })).toMatchObject({ secret: { payload: "of the renewed" } });
  });

  it("are taken over while it runs: the token", async () => {
    const folder = folderOf();
    const path = join(folder, "token");
    writeFileSync(path, "token-one\n");
    const central = await startMapBroker();
    onTestFinished(() => {
      central.stop();
    });
    const sidecar = await start(`{ kind: upstream, address: "${central.address}", token_file: ${path} }`);
    const client = clientOf(sidecar.address);
    const sent = async (): Promise<unknown> => {
      await client.writeSecret({ name: "A", payload: "one" });
      return central.metadata.at(-1)?.get("authorization");
    };
    expect(await sent()).toEqual(["Bearer token-one"]);
    writeFileSync(`${path}.next`, "token-two\n");
    renameSync(`${path}.next`, path);
    await expect.poll(sent, patience).toEqual(["Bearer token-two"]);
  });
});
