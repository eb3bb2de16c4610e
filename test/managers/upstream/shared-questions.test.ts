import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { clientOf, start } from "./start-sidecar.js";

/** Writes down each question, and answers once it is let go. */
const holding = `
import { appendFileSync, existsSync } from "node:fs";
const place = (name) => new URL(name, import.meta.url);
export class Holding {
  async readSecret() {
    appendFileSync(place("asked"), "x");
    while (!existsSync(place("go"))) await new Promise((resolve) => setTimeout(resolve, 10));
    return "one";
  }
}`;

const patience = { timeout: 30_000 };

describe("one question that several apps of a sidecar wait for", { timeout: 60_000 }, () => {
  it("answers those who may read, and nobody else, each on record", async () => {
    const files = { "holding.mjs": holding };
    const central = await start("{ kind: module, class: holding.Holding }", "", { files });
    const asked = (): number => {
      const path = join(central.directory, "asked");
      return existsSync(path) ? readFileSync(path, "utf8").length : 0;
    };
    const sidecar = await start(
      `{ kind: upstream, address: "${central.socket}" }`,
      `
  cache: { ttl: 1h }
  listen:
    - { address: "unix:first.sock", principal: first, groups: [readers] }
    - { address: "unix:second.sock", principal: second, groups: [readers] }
    - { address: "unix:stranger.sock", principal: stranger }
  policies: [{ name: readers, groups: [readers], actions: [read], names: ["**"] }]
`,
      { listen: [] },
    );
    const app = (name: string) => clientOf(`unix:${join(sidecar.directory, `${name}.sock`)}`);
    const first = app("first").readSecret({ name: "A" }, { requestId: "r-first", timeoutMs: 60_000 });
    await expect.poll(asked, patience).toBe(1);
    const stranger = app("stranger");
    await expect(stranger.readSecret({ name: "A" }, { requestId: "r-before" })).rejects.toMatchObject({
      reason: "POLICY_DENIED",
    });
    const second = app("second").readSecret({ name: "A" }, { requestId: "r-second", timeoutMs: 60_000 });
    const decided = (): readonly object[] =>
      readFileSync(sidecar.auditFile, "utf8")
        .split("\n")
        .filter((line) => line.includes('"action":"read"'))
        .map((line) => JSON.parse(line) as object);
    writeFileSync(join(central.directory, "go"), "");
    expect(await first).toMatchObject({ secret: { payload: "one" } });
    expect(await second).toMatchObject({ secret: { payload: "one" } });
    await expect(stranger.readSecret({ name: "A" }, { requestId: "r-after" })).rejects.toMatchObject({
      reason: "POLICY_DENIED",
    });
    expect(asked()).toBe(1);
    const byId = new Map(decided().map((each) => [(each as { request_id: string }).request_id, each]));
    expect(byId.get("r-first")).toMatchObject({ principal: "first", decision: "allow" });
    expect(byId.get("r-second")).toMatchObject({ principal: "second", decision: "allow" });
    for (const id of ["r-before", "r-after"]) {
      expect(byId.get(id)).toMatchObject({ principal: "stranger", decision: "deny" });
    }
  });
});

describe("what a sidecar reads before anybody asks", { timeout: 60_000 }, () => {
  it("is answered from memory when the central broker has gone before the first read", async () => {
    const central = await start("{ kind: memory }");
    const owner = clientOf(central.address);
    for (const name of ["DATABASE_URL", "payments/KEY", "payments/OTHER", "unrelated"]) {
      await owner.writeSecret({ name, payload: `value of ${name}` });
    }
    const sidecar = await start(
      `{ kind: upstream, address: "${central.socket}" }`,
      '  cache: { ttl: 1h, max_stale: 2h, prefetch: [DATABASE_URL, "payments/*"] }\n',
    );
    const trail = (): string => readFileSync(central.auditFile, "utf8");
    const readers = (): number => trail().split('"action":"read"').length - 1;
    await expect.poll(readers, patience).toBeGreaterThanOrEqual(3);
    // One that is written later is told of, and matches.
    await owner.writeSecret({ name: "payments/LATER", payload: "value of payments/LATER" });
    await expect.poll(() => /"action":"read"[^\n]*LATER|LATER[^\n]*"action":"read"/.test(trail()), patience).toBe(true);
    expect(readFileSync(sidecar.auditFile, "utf8")).not.toContain('"action":"read"');
    await central.stop();
    const client = clientOf(sidecar.address);
    for (const name of ["DATABASE_URL", "payments/KEY", "payments/OTHER", "payments/LATER"]) {
      const { servedFrom, ...answer } = await client.readSecret({ name });
      expect(answer).toMatchObject({ secret: { payload: `value of ${name}` } });
      expect(servedFrom).toMatch(/^(cache|stale)$/);
    }
    await expect(client.readSecret({ name: "unrelated" })).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    expect(readFileSync(sidecar.auditFile, "utf8").split('"action":"read"').length - 1).toBe(5);
  });
});
