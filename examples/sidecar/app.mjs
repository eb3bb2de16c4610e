// An app in Node: says what it reads from the sidecar, line by line, until it is stopped.
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { SecretBrokerClient } from "secret-broker";

const client = new SecretBrokerClient(process.argv[2] ?? "unix:examples/sidecar/.secret-broker/sidecar.sock");

for (;;) {
  try {
    const { secret, servedFrom } = await client.readSecret({ name: "GREETING" }, { timeoutMs: 2_000 });
    console.log(`${secret.payload} ${servedFrom === "stale" ? "stale" : "fresh"}`);
  } catch (error) {
    console.log(`refused ${error.reason}`);
  }
  await pause(100);
}
