import { BrokerApp } from "#built/app/broker-app.js";
import { createLog } from "#built/log/create-log.js";
import { SecretBrokerClient } from "secret-broker";
import { benchSecrets } from "../bench-secrets.ts";
import { answerParent } from "./answer-parent.ts";
const n = Number(process.argv[2]);
const secrets = benchSecrets(n);
const config = {
  file: "/tmp/x.yaml",
  manager: { kind: "memory" },
  keyManagement: {
    accessMode: "read_and_write",
    hostedKeys: secrets.map((s) => s.name),
    storeVirtualKeys: false,
    virtualKeyPrefix: "litellm/",
    description: undefined,
    tags: undefined,
  },
  listen: [{ kind: "tcp", host: "127.0.0.1", port: 0 }],
  adminListen: undefined,
  audit: { sink: "file", path: `/tmp/audit-${process.pid}.jsonl` },
  logLevel: "info",
  limits: { maxPayloadBytes: 1048576, maxMetadataBytes: 16384, maxConcurrentStreams: 1000, batchConcurrency: 16 },
  timeouts: { defaultDeadlineMs: 10000, drainMs: 1000, healthIntervalMs: 10000 },
  metricsSecretNames: false,
};
const app = await new BrokerApp(config as any, createLog("info")).start();
const client = new SecretBrokerClient(app.addresses[0]!);
for (const { name, value } of secrets) await client.writeSecret({ name, payload: value });
client.close();
answerParent(app.addresses[0]!);
