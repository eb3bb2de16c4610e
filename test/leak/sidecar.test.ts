import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { SecretBrokerClient } from "../../src/client/secret-broker-client.js";
import { createAccessToken, hashOfToken } from "../../src/identity/access-token.js";
import { findLeaks, plantCanaries } from "../../src/testkit/canary.js";
import { TestAuthority } from "../client/certificates.js";
import { CliProcess, commandLineOf } from "../cli/exec-process.js";

const patience = { timeout: 20_000, interval: 50 };

describe("values and credentials pass through a sidecar, and stay nowhere beside it", () => {
  const folder = mkdtempSync(join(tmpdir(), "secret-broker-leak-"));
  const file = (name: string): string => join(folder, name);
  const canaries = {
    prefetched: plantCanaries().text,
    asked: plantCanaries().json,
    written: plantCanaries().text,
    sidecarToken: createAccessToken(),
    appToken: createAccessToken(),
    wrongToken: createAccessToken(),
  };
  const outputs = new Map<string, string>();
  const reasons: string[] = [];
  const brokers: CliProcess[] = [];

  beforeAll(async () => {
    const authority = new TestAuthority(folder, "authority");
    const { certificateFile, keyFile } = authority.sign("central", "DNS:localhost,IP:127.0.0.1");
    writeTokens("central-tokens.yaml", [
      ["writer", canaries.appToken],
      ["sidecar", canaries.sidecarToken],
    ]);
    writeTokens("sidecar-tokens.yaml", [["app", canaries.appToken]]);
    writeFileSync(file("token"), `${canaries.sidecarToken}\n`, { mode: 0o600 });
    const central = await start(
      "central",
      `
  manager: { kind: memory }
  listen: { address: "localhost:0", tls: { certificate: ${certificateFile}, key: ${keyFile} } }
  policies: [{ principals: [writer, sidecar], actions: ["*"], names: ["**"] }]`,
    );
    const connection = { tls: { ca: readFileSync(authority.file) }, token: canaries.appToken };
    const writer = new SecretBrokerClient(central.address, connection);
    await writer.writeSecret({ name: "PREFETCHED", payload: canaries.prefetched });
    await writer.writeSecret({ name: "ASKED", payload: canaries.asked });
    const sidecar = await start(
      "sidecar",
      `
  manager: { kind: upstream, address: "${central.address}", tls: { ca: ${authority.file} }, token_file: token }
  cache: { ttl: 50ms, max_stale: 1h, prefetch: [PREFETCHED, MISSING], snapshot: { path: snapshot } }
  encryption: { kind: file, path: snapshot.key }
  policies: [{ principals: [app], actions: ["*"], names: ["**"] }]
  listen: { address: "localhost:0", tls: { certificate: ${certificateFile}, key: ${keyFile} } }`,
    );
    await useSidecar(sidecar.address, connection);
    writer.close();
    await lose("central", central.process);
    await useSidecar(sidecar.address, connection);
    outputs.set("metrics", await (await fetch(`${sidecar.admin}/metrics`)).text());
    for (const what of ["cmdline", "environ"]) {
      outputs.set(what, readFileSync(`/proc/${String(sidecar.process.child.pid)}/${what}`, "latin1"));
    }
    expect(commandLineOf(sidecar.process.child.pid ?? 0)).toContain("serve");
    await lose("sidecar", sidecar.process);
    for (const name of ["sidecar.jsonl", "central.jsonl", "snapshot"]) {
      outputs.set(name, readFileSync(file(name), "latin1"));
    }
  }, 90_000);

  afterAll(async () => {
    for (const each of brokers) await each.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  function writeTokens(name: string, tokens: readonly (readonly [string, string])[]): void {
    const entries = tokens.map(
      ([principal, token]) => `  - { principal: ${principal}, hash: "${hashOfToken(token)}" }\n`,
    );
    writeFileSync(file(name), `tokens:\n${entries.join("")}`, { mode: 0o600 });
  }

  async function start(
    name: string,
    rest: string,
  ): Promise<{ readonly process: CliProcess; readonly address: string; readonly admin: string }> {
    writeFileSync(
      file(`${name}.yaml`),
      `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  admin: { listen: "127.0.0.1:0" }
  audit: { sink: file, path: ${name}.jsonl, key: ${name}.key, head: ${name}.head }
  authentication: { tokens: { file: ${name}-tokens.yaml } }
  freezes: { path: ${name}-freezes.json }${rest}
`,
    );
    const started = new CliProcess(["serve", "--detailed-debug", "--config", file(`${name}.yaml`)]);
    brokers.push(started);
    await vi.waitFor(() => {
      expect(started.stderr).toContain("grpcurl");
    }, patience);
    return {
      process: started,
      address: /gRPC +(\S+:\d+)/u.exec(started.stderr)?.[1] ?? "",
      admin: /metrics +(http:\/\/[^/]+)/u.exec(started.stderr)?.[1] ?? "",
    };
  }

  /** What an app does, and what one does that may not. */
  async function useSidecar(address: string, connection: object): Promise<void> {
    const app = new SecretBrokerClient(address, { ...connection, retry: { attempts: 1 } });
    const stranger = new SecretBrokerClient(address, {
      ...connection,
      token: canaries.wrongToken,
      retry: { attempts: 1 },
    });
    const note = (error: unknown): void => {
      reasons.push(String((error as { reason?: unknown }).reason));
    };
    for (const name of ["PREFETCHED", "ASKED", "MISSING"]) {
      await app.readSecret({ name }).then(({ servedFrom }) => reasons.push(servedFrom), note);
    }
    await app.writeSecret({ name: "WRITTEN", payload: canaries.written }).catch(note);
    await stranger.readSecret({ name: "ASKED" }).catch(note);
    await vi.waitFor(() => {
      expect(existsSync(file("snapshot"))).toBe(true);
    }, patience);
    app.close();
    stranger.close();
  }

  async function lose(name: string, broker: CliProcess): Promise<void> {
    broker.child.kill("SIGTERM");
    await broker.ended;
    outputs.set(`${name}: printed`, broker.stdout + broker.stderr);
  }

  it("was provoked: kept, asked, stale, absent, refused and out of reach", () => {
    expect(reasons).toEqual(expect.arrayContaining(["stale", "CREDENTIAL_INVALID", "MANAGER_UNAVAILABLE"]));
    expect(reasons).toContain("SECRET_NOT_FOUND");
    expect(outputs.get("metrics")).toMatch(/certificate/u);
    expect(outputs.get("sidecar.jsonl")).toContain("CREDENTIAL_INVALID");
  });

  it.each(
    ["central: printed", "sidecar: printed", "central.jsonl", "sidecar.jsonl", "metrics"].concat([
      "snapshot",
      "cmdline",
      "environ",
    ]),
  )("%s holds no canary", (output) => {
    const text = outputs.get(output) ?? "";
    expect(text.length).toBeGreaterThan(10);
    expect(findLeaks(text, canaries)).toEqual([]);
  });
});
