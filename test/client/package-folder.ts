import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { SecretBrokerClient } from "../../src/client/index.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A folder with nothing but the package, for programs of a test file, and a broker for them. */
export interface PackageFolder {
  readonly directory: string;
  /** There while tests run; has the secret `A`, whose payload is `a1`. */
  broker(): TestBroker;
}

/** Makes both for as long as the tests of a file run. @param name what the folder's name begins with */
export function packageFolder(name: string): PackageFolder {
  const directory = mkdtempSync(join(tmpdir(), `${name}-`));
  let broker: TestBroker;
  beforeAll(async () => {
    mkdirSync(join(directory, "node_modules"));
    symlinkSync(root, join(directory, "node_modules/secret-broker"));
    broker = await startBroker();
    const client = new SecretBrokerClient(broker.address);
    await client.writeSecret({ name: "A", payload: "a1" });
    client.close();
  });
  afterAll(async () => {
    await broker.stop();
    rmSync(directory, { recursive: true });
  });
  return { directory, broker: () => broker };
}
