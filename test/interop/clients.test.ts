import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isMissing, type Ran, run, titleOf } from "./peer.js";
import { root } from "./running-broker.js";
import { startVectorBroker, type VectorBroker } from "./vector-broker.js";

/** Where scripts/ci/install-peers.sh puts the toolchains. */
const goPath = join(root, ".cache/peers/go");
const mavenPath = join(root, ".cache/peers/mvn");

const goClient = join(root, "clients/go");
const javaClient = join(root, "clients/java");

/** Compilers on a small machine, and modules that may have to be fetched first. */
const timeout = 900_000;

/** A client's own tests read from these where the broker is, and must not skip. */
function testEnvironment({ address, folder }: VectorBroker): NodeJS.ProcessEnv {
  return {
    SECRET_BROKER_ADDRESS: address,
    SECRET_BROKER_FOLDER: folder,
    // What a test that ends and starts a broker of its own starts it with.
    SECRET_BROKER_NODE: process.execPath,
    SECRET_BROKER_REQUIRE_PEERS: "1",
  };
}

function expectSuccess({ code, stdout, stderr }: Ran): string {
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  return stdout;
}

function readTree(folder: string): Readonly<Record<string, string>> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")]));
}

describe.skipIf(isMissing(goPath))(titleOf("the Go client", goPath), { timeout }, () => {
  let broker: VectorBroker;

  beforeAll(async () => {
    broker = await startVectorBroker();
  });

  afterAll(async () => {
    expect(await broker.stop()).toBe(0);
  });

  it("has the stubs that npm run generate:clients makes", async () => {
    const fresh = mkdtempSync(join(tmpdir(), "secret-broker-go-"));
    try {
      const parameters = ["generate", "proto", "--template", "clients/go/buf.gen.yaml", "-o", fresh];
      expectSuccess(await run(join(root, "node_modules/.bin/buf"), parameters));
      expect(readTree(join(goClient, "gen"))).toEqual(readTree(join(fresh, "clients/go/gen")));
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  });

  it("passes its checks", async () => {
    expectSuccess(await run(goPath, ["vet", "./..."], { cwd: goClient }));
    const goRoot = expectSuccess(await run(goPath, ["env", "GOROOT"])).trim();
    expect(expectSuccess(await run(join(goRoot, "bin/gofmt"), ["-l", "."], { cwd: goClient }))).toBe("");
    expectSuccess(await run(goPath, ["mod", "verify"], { cwd: goClient }));
    expect(expectSuccess(await run(goPath, ["mod", "tidy", "-diff"], { cwd: goClient }))).toBe("");
  });

  it("passes its tests and the vectors under the race detector", async () => {
    const place = { cwd: goClient, variables: testEnvironment(broker) };
    const output = expectSuccess(await run(goPath, ["test", "-race", "-count=1", "-v", "."], place));
    expect(output).toContain("--- PASS: TestVectors");
    expect(output).not.toContain("--- SKIP");
  });
});

describe.skipIf(isMissing(mavenPath))(titleOf("the Java client", mavenPath), { timeout }, () => {
  let broker: VectorBroker;

  beforeAll(async () => {
    broker = await startVectorBroker();
  });

  afterAll(async () => {
    expect(await broker.stop()).toBe(0);
  });

  it("builds from its folder, and passes its tests and the vectors", async () => {
    const place = { cwd: javaClient, variables: testEnvironment(broker) };
    expectSuccess(await run(mavenPath, ["-B", "-q", "package"], place));
    const reports = readTree(join(javaClient, "target/surefire-reports"));
    const summaries = Object.entries(reports).filter(([path]) => path.endsWith(".xml"));
    expect(summaries.map(([path]) => path)).toContain("TEST-dev.secretbroker.VectorsTest.xml");
    for (const [, report] of summaries) expect(report).toMatch(/<testsuite [^>]*skipped="0"/u);
    expect(readdirSync(join(javaClient, "target"))).toContain("secret-broker-client-0.1.0.jar");
  });
});
