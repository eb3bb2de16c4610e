import { setTimeout as pause } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { readReferences } from "../../src/cli/read-references.js";
import { SecretBrokerClient } from "../../src/client/index.js";
import { Secret } from "../../src/gen/secretbroker/v1/secret.js";
import { startMapBroker } from "../client/map-broker.js";

it("has one time for all values, however many messages they take", async () => {
  const broker = await startMapBroker({ before: () => pause(600) });
  onTestFinished(() => {
    broker.stop();
  });
  const references = Array.from({ length: 250 }, (_, index) => ({ name: `KEY_${String(index)}`, field: undefined }));
  for (const { name } of references) {
    broker.secrets.set(name, Secret.fromPartial({ name, payload: { $case: "text", value: "placeholder" } }));
  }
  const client = new SecretBrokerClient(broker.address, { retry: { attempts: 1 } });
  onTestFinished(() => {
    client.close();
  });
  // Enough for any one of the three messages, and not for all.
  const read = readReferences(client, references, { timeoutMs: 1_000, signal: new AbortController().signal });
  await expect(read).rejects.toMatchObject({ reason: "MANAGER_TIMEOUT" });
});
