import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { startBrokerProcess } from "secret-broker/server";
import { benchSecrets } from "../bench-secrets.ts";
import { answerParent } from "./answer-parent.ts";

// The broker as it is shipped: policy over so many hosted keys, audit to a file, metrics, guard, a built-in manager.
const [, , keys = "10", kind = "memory"] = process.argv;
const directory = mkdtempSync(join(tmpdir(), "secret-broker-bench-"));
process.on("exit", () => {
  rmSync(directory, { recursive: true, force: true });
});

const hostedKeys = benchSecrets(Number(keys)).map(({ name }) => name);
const config = {
  general_settings: {
    key_management_settings: { access_mode: "read_and_write", hosted_keys: hostedKeys },
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
answerParent(address);
