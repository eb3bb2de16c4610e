import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../../src/client/index.js";
import { startBroker, type TestBroker } from "../../../src/testkit/start-broker.js";
import { run } from "../../cli/run-in-process.js";
import { isPostgresMissing, titleOf } from "../../managers/postgres/postgres-programs.js";
import { PostgresServerProcess } from "../../managers/postgres/start-postgres.js";

const table = "secret_broker.audit_line";

function configure(sinks: string): string {
  return `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: memory }
  admin: { listen: "127.0.0.1:0" }
  audit: { sinks: [${sinks}] }
  log: { level: error }
`;
}

describe.skipIf(isPostgresMissing)(titleOf("an audit trail in PostgreSQL"), () => {
  let server: PostgresServerProcess;
  const cleanups: (() => unknown)[] = [];

  beforeAll(async () => {
    server = await PostgresServerProcess.start();
  });

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    await server.sql(`DROP SCHEMA IF EXISTS secret_broker CASCADE`);
  });

  afterAll(async () => {
    await server.remove();
  });

  async function open(sinks: string): Promise<{ broker: TestBroker; client: SecretBrokerClient; config: string }> {
    const broker = await startBroker({ config: configure(sinks), files: { url: `${server.url()}\n` } });
    cleanups.push(() => broker.stop());
    const client = new SecretBrokerClient(broker.address);
    cleanups.push(() => {
      client.close();
    });
    return { broker, client, config: join(broker.directory, "config.yaml") };
  }

  const verify = (config: string): ReturnType<typeof run> => run(["audit", "verify", "--config", config]);

  it("has a row for each line, is verified, answers who read, and shows what was tampered with", async () => {
    const { client, config } = await open("{ kind: postgres, url_file: url }");
    await client.writeSecret({ name: "A", payload: "leaked-77" });
    await client.readSecret({ name: "A" });
    const rows = await server.sql(
      `SELECT line::jsonb ->> 'action' FROM ${table} WHERE line LIKE '{"time"%' ORDER BY position`,
    );
    expect(rows.trim().split("\n")).toEqual(["write", "write", "read"]);
    expect(await verify(config)).toMatchObject({ code: 0 });
    const who = await run(["audit", "who-read", "--config", config], { stdin: "leaked-77" });
    expect(who.stdout).toMatch(/A .* local .* read /u);

    await server.sql(`UPDATE ${table} SET line = replace(line, '"read"', '"list"')`);
    const { code, stdout } = await verify(config);
    expect(code).toBe(1);
    expect(stdout).toContain("was changed");
  });

  it("tells of lines that somebody deleted at its end", async () => {
    const { broker, client } = await open("{ kind: postgres, url_file: url }");
    await client.writeSecret({ name: "A", payload: "1" });
    await server.sql(`DELETE FROM ${table} WHERE position > 1`);
    const losses = async (): Promise<string> =>
      await (await fetch(`http://${broker.adminAddress ?? ""}/metrics`)).text();
    await expect.poll(losses, { timeout: 10_000 }).toMatch(/^secret_broker_audit_losses_total 1$/mu);
  });

  /** A folder that outlives its brokers, whose configuration they are started with. */
  async function folderOf(sinks: string): Promise<{ folder: string; config: string }> {
    const folder = await mkdtemp(join(tmpdir(), "secret-broker-audit-table-"));
    cleanups.push(() => rm(folder, { recursive: true }));
    const [url, key] = [join(folder, "url"), join(folder, "audit.key")];
    const config = join(folder, "config.yaml");
    await writeFile(url, `${server.url()}\n`);
    await writeFile(config, configure(sinks).replace("audit: { ", `audit: { key: ${key}, `).replace("URL", url));
    return { folder, config };
  }

  const serveOnce = async (config: string): Promise<string[]> => {
    const broker = await startBroker({ config: await readFile(config, "utf8") });
    const client = new SecretBrokerClient(broker.address);
    await client.writeSecret({ name: "A", payload: "1" });
    const losses = (await (await fetch(`http://${broker.adminAddress ?? ""}/metrics`)).text()).match(
      /losses_total \d/gu,
    );
    client.close();
    await broker.stop();
    return [...(losses ?? [])];
  };

  it("shows that its end was cut off while the broker was down", async () => {
    const { config } = await folderOf("{ kind: postgres, url_file: URL, trail: cut }");
    expect(await serveOnce(config)).toEqual(["losses_total 0"]);
    expect(await run(["audit", "verify", "--complete", "--config", config])).toMatchObject({ code: 0 });
    // Up to the start, which is signed: nothing that is left tells of more.
    await server.sql(`DELETE FROM ${table} WHERE trail = 'cut' AND position > 1`);
    const { code, stdout } = await verify(config);
    expect(code).toBe(1);
    expect(stdout).toContain("was written and is not there");
    expect(await serveOnce(config)).toEqual(["losses_total 1"]);
    expect(await verify(config)).toMatchObject({ code: 1 });
  });

  it("tells when nothing remembers where it ends", async () => {
    const { folder, config } = await folderOf("{ kind: postgres, url_file: URL, trail: headless }");
    await serveOnce(config);
    for (const name of await readdir(folder)) if (name.endsWith(".head")) await rm(join(folder, name));
    expect((await verify(config)).stderr).toContain("its head is not there");
    expect(await run(["audit", "verify", "--complete", "--config", config])).toMatchObject({ code: 1 });
  });

  it("is looked at together with what other commands wrote beside it, and with that of no other broker", async () => {
    const [one, other] = await Promise.all(
      ["one", "one.copy-not"].map((trail) => folderOf(`{ kind: postgres, url_file: URL, trail: ${trail} }`)),
    );
    for (const { config = "" } of [one ?? {}, other ?? {}]) {
      await serveOnce(config);
      expect(await run(["copy", "--from", config, "--to", config])).toMatchObject({ code: 0 });
    }
    const { stdout, code } = await verify(one?.config ?? "");
    const trails = [...stdout.matchAll(/^trail (\S+) in .*: \d+ records, as they were written$/gmu)].map(
      ([, name]) => name,
    );
    expect(code).toBe(0);
    expect(trails[0]).toBe("one");
    expect(trails.length).toBeGreaterThan(1);
    for (const name of trails.slice(1)) expect(name).toMatch(/^one\.copy-\d{8}T\d{6}Z-[0-9a-f]{8}$/u);
    await server.sql(`UPDATE ${table} SET line = replace(line, '"list"', '"read"') WHERE trail LIKE 'one.copy-2%'`);
    expect(await verify(one?.config ?? "")).toMatchObject({ code: 1 });
  });

  it("goes on where it ended after a restart, and keeps two brokers' trails apart", async () => {
    const [one, other] = await Promise.all([
      open("{ kind: postgres, url_file: url, trail: one }"),
      open("{ kind: postgres, url_file: url, trail: other }"),
    ]);
    for (const { client } of [one, other, one]) await client.writeSecret({ name: "A", payload: "1" });
    expect(await verify(one.config)).toMatchObject({ code: 0 });
    expect((await verify(other.config)).stdout).toContain(
      "trail other in the table secret_broker.audit_line: 2 records",
    );
  });

  it("does not mix the lines of two brokers that were given one name: calls are refused instead", async () => {
    const [one, other] = await Promise.all([
      open("{ kind: postgres, url_file: url, trail: same }"),
      open("{ kind: postgres, url_file: url, trail: same }"),
    ]);
    const clients = Array.from({ length: 10 }, () => [one.client, other.client]).flat();
    const outcomes = await Promise.allSettled(clients.map((client) => client.writeSecret({ name: "A", payload: "1" })));
    const positions = await server.sql(`SELECT count(*) = max(position) FROM ${table} WHERE trail = 'same'`);
    expect(positions.trim()).toBe("t");
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ reason: "AUDIT_UNAVAILABLE" });
    }
  });

  it("refuses calls while a required database is down, within its deadline, and recovers by itself", async () => {
    const { client } = await open("{ kind: postgres, url_file: url, deadline: 500ms }");
    await client.writeSecret({ name: "A", payload: "1" });
    await server.stop();
    const read = (): Promise<string> =>
      client.readSecret({ name: "A" }).then(
        () => "ok",
        (error: unknown) => (error as { reason: string }).reason,
      );
    expect(await read()).toBe("AUDIT_UNAVAILABLE");
    await server.restart();
    await expect.poll(read, { timeout: 15_000 }).toBe("ok");
  });

  it("serves on while a database that is not required is down, and counts what it misses", async () => {
    const { broker, client } = await open(
      "{ kind: file, path: audit.jsonl }, { kind: postgres, url_file: url, required: false, deadline: 500ms }",
    );
    await client.writeSecret({ name: "A", payload: "1" });
    await server.stop();
    for (let count = 0; count < 3; count += 1) {
      await client.readSecret({ name: "A" });
      await wait(50);
    }
    const metrics = async (): Promise<string> =>
      await (await fetch(`http://${broker.adminAddress ?? ""}/metrics`)).text();
    await expect.poll(metrics, { timeout: 10_000 }).toMatch(/^secret_broker_audit_missing_records_total [1-9]/mu);
    expect(await readFile(broker.auditFile, "utf8")).toContain('"action":"read"');
    await server.restart();
  });
});
