import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { startBrokerProcess } from "secret-broker/server";
import { answerParent } from "./answer-parent.ts";

// A sidecar as it is shipped, in front of a central broker: policy, audit to a file, metrics, guard; cached or not.
const [, , central = "", ttl = "0s"] = process.argv;
const directory = mkdtempSync(join(tmpdir(), "secret-broker-bench-"));
process.on("exit", () => {
  rmSync(directory, { recursive: true, force: true });
});

const config = {
  secret_broker: {
    manager: { kind: "upstream", address: central },
    listen: ["127.0.0.1:0"],
    admin: { listen: "127.0.0.1:0" },
    audit: { sink: "file", path: "audit.jsonl" },
    cache: { ttl },
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
