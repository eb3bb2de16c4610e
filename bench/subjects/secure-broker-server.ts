import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { startBrokerProcess } from "secret-broker/server";
import { benchSecrets } from "../bench-secrets.ts";
import { answerParent } from "./answer-parent.ts";

// The broker as it is shipped, with TLS, certificates, tokens and 10,000 grants; plaintext too, to be filled through.
const [, , certificate, key, client_ca, hash, principal] = process.argv;
const directory = mkdtempSync(join(tmpdir(), "secret-broker-bench-"));
process.on("exit", () => {
  rmSync(directory, { recursive: true, force: true });
});

const config = {
  general_settings: { key_management_settings: { access_mode: "read_and_write" } },
  secret_broker: {
    manager: { kind: "memory" },
    listen: [
      { address: "localhost:0", tls: { certificate, key, client_ca, client_certificates: "optional" } },
      "127.0.0.1:0",
    ],
    admin: { listen: "127.0.0.1:0" },
    audit: { sink: "file", path: "audit.jsonl" },
    log: { level: "info" },
    authentication: { tokens: { file: "tokens.yaml" }, certificates: { trust_domains: ["example.org"] } },
    policy_files: ["grants.d"],
  },
};
// JSON is YAML.
writeFileSync(join(directory, "config.yaml"), JSON.stringify(config));
// More than one file may hold.
mkdirSync(join(directory, "grants.d"));
for (let part = 0; part < 4; part += 1) {
  const policies = benchSecrets(10_000)
    .filter((_, index) => index % 4 === part)
    .map(({ name }) => ({ principals: [principal, "bench-token"], actions: ["read", "write"], names: [name] }));
  writeFileSync(join(directory, "grants.d", `${String(part)}.yaml`), JSON.stringify({ policies }));
}
const tokens = { tokens: [{ principal: "bench-token", hash }] };
writeFileSync(join(directory, "tokens.yaml"), JSON.stringify(tokens), { mode: 0o600 });

const broker = await startBrokerProcess({
  configFile: join(directory, "config.yaml"),
  listen: [],
  detailedDebug: false,
  stderr: new PassThrough().resume(),
});
answerParent(broker.addresses.join(" "));
