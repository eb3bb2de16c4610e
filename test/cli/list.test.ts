import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../src/client/secret-broker-client.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { run, type RunResult } from "./run-in-process.js";

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
  for (const [name, ...options] of [
    ["team-a/one", "--tag", "stage=test", "--description", "first\u001b[31m red"],
    ["team-a/two"],
    ["team-b/three", "--tag", "stage=test"],
  ]) {
    await list([], { stdin: "canary-value" }, ["write", name ?? "", ...options]);
  }
});
afterAll(async () => {
  await broker.stop();
});

function list(options: readonly string[], io: { stdin?: string } = {}, command = ["list"]): Promise<RunResult> {
  return run([...command, ...options, "--address", broker.address], io);
}

interface Document {
  readonly secrets: readonly { readonly name: string }[];
  readonly more: boolean;
}

async function listJson(...options: string[]): Promise<Document> {
  const { code, stdout } = await list([...options, "--json"]);
  expect(code).toBe(0);
  return JSON.parse(stdout) as Document;
}

describe("list", () => {
  it("prints a table of names without values", async () => {
    const { code, stdout } = await list([]);
    const lines = stdout.split("\n");
    expect(code).toBe(0);
    expect(lines[0]).toMatch(/^NAME +VERSION +UPDATED +DESCRIPTION$/);
    expect(lines.slice(1, 4).map((line) => line.split(" ")[0])).toEqual(["team-a/one", "team-a/two", "team-b/three"]);
    expect(stdout).not.toContain("canary-value");
  });

  it("lets no stored text steer the terminal", async () => {
    const { stdout } = await list([]);
    expect(stdout).not.toContain("\u001b");
    expect(stdout).toContain("\\u001b[31m red");
  });

  it("prints JSON without values", async () => {
    const document = await listJson();
    expect(document.secrets.map(({ name }) => name)).toEqual(["team-a/one", "team-a/two", "team-b/three"]);
    expect(document.more).toBe(false);
    expect(JSON.stringify(document)).not.toContain("canary-value");
  });

  it("keeps to a prefix and to tags", async () => {
    expect((await listJson("--prefix", "team-a/")).secrets).toHaveLength(2);
    expect((await listJson("--tag", "stage=test")).secrets).toHaveLength(2);
    expect((await listJson("--prefix", "team-b/", "--tag", "stage=test")).secrets).toHaveLength(1);
  });

  it("stops at the limit and says that there is more", async () => {
    const document = await listJson("--limit", "2");
    expect(document).toMatchObject({ more: true });
    expect(document.secrets).toHaveLength(2);
    expect((await list(["--limit", "2"])).stderr).toContain("there are more");
  });

  it("goes through every page", async () => {
    const names = Array.from({ length: 1_101 }, (_each, index) => `many/${String(index).padStart(5, "0")}`);
    const client = new SecretBrokerClient(broker.address);
    await Promise.all(names.map((name) => client.writeSecret({ name, payload: "x" })));
    client.close();
    expect((await listJson("--prefix", "many/")).secrets.map(({ name }) => name)).toEqual(names);
  });

  it("prints nothing but a note when there is nothing", async () => {
    expect(await list(["--prefix", "nothing/"])).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "there are no such secrets\n",
    });
  });
});
