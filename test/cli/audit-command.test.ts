import { appendFile, copyFile, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../src/client/index.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { findTrailFiles } from "../../src/audit/trail-files.js";
import { run, type RunResult } from "./run-in-process.js";

const config = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: memory }
  admin: { listen: "127.0.0.1:0" }
  audit: { sink: file, path: audit.jsonl, rotate_size: 4KiB }
  log: { level: error }
`;

const poll = { timeout: 10_000 };

const canary = "leaked-5f0c2d9e";

let broker: TestBroker;
let client: SecretBrokerClient;

async function start(): Promise<string> {
  broker = await startBroker({ config });
  client = new SecretBrokerClient(broker.address);
  return join(broker.directory, "config.yaml");
}

afterEach(async () => {
  client.close();
  await broker.stop();
});

async function losses(): Promise<string | undefined> {
  const text = await (await fetch(`http://${broker.adminAddress ?? ""}/metrics`)).text();
  return /^secret_broker_audit_losses_total (\d+)/mu.exec(text)?.[1];
}

describe("audit verify", () => {
  it("passes what a broker wrote while it writes on, also after it put files aside", async () => {
    const file = await start();
    for (let round = 0; round < 3; round += 1) {
      const reads = Array.from({ length: 40 }, (_, index) => client.readSecret({ name: `N${String(index)}` }));
      await Promise.allSettled(reads);
      await new Promise((resolve) => setTimeout(resolve, 1_100));
    }
    const [verified] = await Promise.all([
      run(["audit", "verify", "--config", file]),
      client.readSecret({ name: "A" }).catch(() => 0),
    ]);
    expect(verified.code).toBe(0);
    expect(verified.stdout).toMatch(/audit\.jsonl: 12[01] records, as they were written\n$/u);
    const asked = await run(["audit", "verify", "--config", file, "--json"]);
    const [trail] = (JSON.parse(asked.stdout) as { trails: { end: { link: number }; faults: unknown[] }[] }).trails;
    expect(trail?.faults).toEqual([]);
  });

  it("exits with 1 and says where it was tampered with, also by the public key alone", async () => {
    const file = await start();
    await client.writeSecret({ name: "A", payload: "1" });
    await client.readSecret({ name: "A" });
    const { stdout: publicKey } = await run(["audit", "public-key", "--config", file]);
    expect(publicKey).toContain("BEGIN PUBLIC KEY");
    const keyFile = join(broker.directory, "audit.pub");
    await writeFile(keyFile, publicKey);
    const offline = ["audit", "verify", "--file", broker.auditFile, "--public-key", keyFile];
    await expect.poll(async () => (await run(offline)).stderr, { timeout: 5_000 }).not.toContain("not signed");
    expect(await run(offline)).toMatchObject({
      code: 0,
      stdout: `${broker.auditFile}: 3 records, as they were written\n`,
    });

    const text = await readFile(broker.auditFile, "utf8");
    await writeFile(broker.auditFile, text.replace('"action":"read"', '"action":"list"'));
    const [first, last] = (await run(offline)).stdout.split("\n");
    expect(first).toMatch(/audit\.jsonl:\d: what stands here or before it was changed$/u);
    expect(last).toContain("NOT as they were written");
    expect(await run(["audit", "verify", "--config", file])).toMatchObject({ code: 1 });
  });

  it("misses an end that was cut off", async () => {
    const file = await start();
    await client.writeSecret({ name: "A", payload: "1" });
    await expect.poll(() => readFile(broker.auditFile, "utf8"), { timeout: 5_000 }).toContain('"audit":"checkpoint"');
    const text = await readFile(broker.auditFile, "utf8");
    await truncate(broker.auditFile, text.indexOf("\n") + 1);
    const { code, stdout } = await run(["audit", "verify", "--config", file]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/is not there: the end is missing|(?:is|are) missing: |was changed/u);
  });

  it("misses an end that was cut off from a file alone, by a copy of its head", async () => {
    await start();
    await client.writeSecret({ name: "A", payload: "1" });
    const head = join(broker.directory, ".secret-broker", "audit.jsonl.head");
    await expect.poll(() => readFile(head, "utf8"), { timeout: 5_000 }).toContain('"audit":"checkpoint"');
    const key = join(broker.directory, ".secret-broker", "audit.key");
    const verify = ["audit", "verify", "--file", broker.auditFile, "--public-key", key];
    expect(await run([...verify, "--head", head])).toMatchObject({ code: 0 });
    const kept = join(broker.directory, "kept.head");
    await copyFile(head, kept);
    const [line = ""] = (await readFile(broker.auditFile, "utf8")).split("\n");
    await writeFile(broker.auditFile, `${line}\n`);
    const [alone, missed] = [await run(verify), await run([...verify, "--head", kept])];
    expect([alone.code, missed.code]).toEqual([0, 1]);
    expect(missed.stdout).toContain("the end is missing");
    expect(await run([...verify, "--head", key])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("head is not there") as string,
    });
  });

  it("takes a file in which nothing is for no trail", async () => {
    const file = await start();
    const empty = join(broker.directory, "empty.jsonl");
    await writeFile(empty, "");
    const key = join(broker.directory, ".secret-broker", "audit.key");
    const verify = ["audit", "verify", "--file", empty, "--public-key", key];
    for (const more of [[], ["--complete"]]) {
      expect(await run([...verify, ...more])).toMatchObject({
        code: 1,
        stdout: expect.stringContaining(`${empty}:1: there is no start: no broker wrote here`) as string,
      });
    }
    expect(await run(["audit", "verify", "--config", file, "--complete"])).toMatchObject({ code: 0 });
  });

  it("says why it cannot read what it is given", async () => {
    const file = await start();
    const key = join(broker.directory, ".secret-broker", "audit.key");
    const verify = async (trail: string, by = key): Promise<string> => {
      const { code, stderr } = await run(["audit", "verify", "--file", trail, "--public-key", by]);
      expect(code).not.toBe(0);
      return stderr;
    };
    expect(await verify(join(broker.directory, "nothing.jsonl"))).toContain("nothing.jsonl does not exist");
    expect(await verify(broker.directory)).toContain("cannot be read: it is no regular file");
    expect(await verify("/dev/zero")).toContain("cannot be read: it is no regular file");
    expect(await verify(broker.auditFile, join(broker.directory, "no.pub"))).toContain("no.pub does not exist");
    expect(await verify(broker.auditFile, file)).toContain("is no Ed25519 key in PEM");
  });

  it.each([
    ["deleted", () => rm(broker.auditFile)],
    [
      "replaced",
      async () => {
        await writeFile(`${broker.auditFile}.other`, "");
        await rename(`${broker.auditFile}.other`, broker.auditFile);
      },
    ],
  ])("is told by a broker within seconds that its live file was %s, and the loss is told", async (_what, meddle) => {
    const file = await start();
    await client.writeSecret({ name: "A", payload: "1" });
    expect(await losses()).toBe("0");
    await meddle();
    await expect.poll(losses, { timeout: 10_000 }).toBe("1");
    await client.writeSecret({ name: "A", payload: "2" });
    for (const more of [[], ["--complete"], ["--from", new Date().toISOString()]]) {
      const { code, stdout } = await run(["audit", "verify", "--config", file, ...more]);
      expect([more, code]).toEqual([more, 1]);
      expect(stdout).toMatch(/audit\.jsonl:1: links 1 to \d are missing: the broker noticed the loss at [\dT:.-]+Z;/u);
      expect(stdout).toMatch(/NOT as they were written\n$/u);
    }
    const { intact, problem } = await client.administration.verifyAudit();
    expect([intact, problem]).toEqual([
      false,
      expect.stringMatching(/audit\.jsonl:1: links 1 to \d are missing: the/u),
    ]);
  });

  it("lets the oldest files be kept elsewhere, and says so, and no other", async () => {
    const file = await start();
    for (let round = 1; round <= 3; round += 1) {
      await Promise.all(Array.from({ length: 20 }, () => client.writeSecret({ name: "A", payload: "1" })));
      await expect.poll(async () => (await findTrailFiles(broker.auditFile)).own.length, poll).toBe(round + 1);
    }
    const verify = async (...more: readonly string[]): Promise<RunResult> =>
      await run(["audit", "verify", "--config", file, ...more]);
    const [oldest = "", , newest = ""] = (await findTrailFiles(broker.auditFile)).own;
    await rm(oldest);
    const note = /\d+ links before the first one are not here; make sure that they are kept elsewhere/u;
    const [kept, complete] = [await verify(), await verify("--complete")];
    expect([kept.code, kept.stderr, complete.code]).toEqual([0, expect.stringMatching(note), 1]);
    expect(complete.stdout).toMatch(/audit\.jsonl: NOT complete: \d+ links before the first one are missing\n$/u);
    expect(await client.administration.verifyAudit()).toMatchObject({
      intact: true,
      problem: expect.stringMatching(note) as string,
    });
    expect(await client.administration.verifyAudit({ fromTime: new Date() })).toMatchObject({
      intact: true,
      problem: undefined,
    });
    await rm(newest);
    expect(await verify()).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/links? [\d to]+ (?:is|are) missing: what stood between/u) as string,
    });
    expect(await client.administration.verifyAudit()).toMatchObject({
      intact: false,
      problem: expect.stringMatching(/missing: what stood between/u) as string,
    });
  });

  it.each([
    [[], "--config or --file"],
    [["--file", "x"], "--public-key"],
    [["--config", "a", "--file", "b"], "one of them"],
    [["--config", "a", "--head", "b"], "--head goes with --file"],
    [["--config", "a", "--from", "yesterday"], "2030-01-31T12:00:00Z"],
  ])("%j is wrong usage", async (parameters, text) => {
    await start();
    const refused = await run(["audit", "verify", ...parameters]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(text);
  });
});

describe("audit who-read", () => {
  it("tells which secret and version a value is, and who had it, without keeping it anywhere", async () => {
    const file = await start();
    await client.writeSecret({ name: "providers/chat", payload: "before" });
    await client.writeSecret({ name: "providers/chat", payload: canary });
    for (let count = 0; count < 3; count += 1) await client.readSecret({ name: "providers/chat" });
    await client.batchReadSecrets({ reads: [{ name: "providers/chat" }, { name: "providers/none" }] });
    const found = await run(["audit", "who-read", "--config", file], { stdin: `${canary}\n` });
    expect(found.code).toBe(0);
    const rows = found.stdout
      .trim()
      .split("\n")
      .map((line) => line.split(/\s{2,}/u).slice(0, 5));
    expect(rows).toEqual([
      ["NAME", "VERSION", "PRINCIPAL", "ACTION", "CALLS"],
      ["providers/chat", expect.any(String), "local", "write", "1"],
      ["providers/chat", expect.any(String), "local", "read", "4"],
    ]);
    expect(found.stdout).not.toContain(canary);
    expect(await readFile(broker.auditFile, "utf8")).not.toContain(canary);
  });

  it("accuses nobody on the strength of lines that belong to no link", async () => {
    const file = await start();
    await client.writeSecret({ name: "A", payload: canary });
    const [, hash = ""] = /"payload_hash":"(\w+)"/u.exec(await readFile(broker.auditFile, "utf8")) ?? [];
    const forged = {
      time: "2030-01-01T00:00:00.000Z",
      request_id: "1",
      principal: "innocent",
      peer: "",
      action: "read",
    };
    await appendFile(broker.auditFile, `${JSON.stringify({ ...forged, name: "A", payload_hash: hash })}\n`);
    await expect.poll(losses, { timeout: 10_000 }).toBe("1");
    await client.readSecret({ name: "A" });
    const { code, stdout } = await run(["audit", "who-read", "--config", file], { stdin: canary });
    expect(code).toBe(0);
    expect(stdout).toMatch(/local +read/u);
    expect(stdout).not.toContain("innocent");
  });

  it("knows nothing of a value that was never here, nor of one that was only asked about and had not changed", async () => {
    const file = await start();
    await client.writeSecret({ name: "A", payload: canary });
    const { secret } = (await client.readSecret({ name: "A" })) as { secret: { version: number } };
    const unchanged = await client.readSecret({ name: "A", knownVersion: secret.version });
    expect(unchanged).toMatchObject({ notModified: true });
    const reads = (await readFile(broker.auditFile, "utf8"))
      .split("\n")
      .filter((line) => line.includes('"action":"read"'));
    expect(reads.map((line) => line.includes("payload_hash"))).toEqual([true, false]);
    const unknown = await run(["audit", "who-read", "--config", file], { stdin: "something else" });
    expect(unknown).toMatchObject({ code: 3, stdout: "no record knows this value\n" });
  });
});
