import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { SecretBrokerClient } from "secret-broker";
import { startBrokerProcess } from "secret-broker/server";
import { benchSecrets } from "../bench-secrets.ts";
import { answerParent } from "./answer-parent.ts";

// The broker as it is shipped: policy over so many hosted keys, audit to a file, metrics, guard, a built-in manager.
const [, , keys = "10", kind = "memory"] = process.argv;
const hostedKeys = Number(keys);
const directory = mkdtempSync(join(tmpdir(), "secret-broker-bench-"));
process.on("exit", () => {
  rmSync(directory, { recursive: true, force: true });
});

const secrets = benchSecrets(hostedKeys);
const config = {
  general_settings: {
    key_management_settings: { access_mode: "read_and_write", hosted_keys: secrets.map(({ name }) => name) },
  },
  secret_broker: {
    manager: { kind },
    listen: ["127.0.0.1:0"],
    admin: { listen: "127.0.0.1:0" },
    audit: { sink: "file", path: "audit.jsonl" },
    log: { level: "info" },
  },
};
// JSON is YAML.
writeFileSync(join(directory, "config.yaml"), JSON.stringify(config));

const broker = await startBrokerProcess({
  configFile: join(directory, "config.yaml"),
  listen: [],
  detailedDebug: false,
  stderr: new PassThrough().resume(),
});
const [address = ""] = broker.addresses;
const client = new SecretBrokerClient(address);
for (const { name, value } of secrets) await client.writeSecret({ name, payload: value });
client.close();
answerParent(address);
