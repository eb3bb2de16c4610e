import { onTestFinished } from "vitest";
import { SecretBrokerClient } from "../../../src/client/index.js";
import { startBroker, type StartBrokerOptions, type TestBroker } from "../../../src/testkit/start-broker.js";

const common = `
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
`;
const usualTimeouts = "  timeouts: { drain: 1s }\n";

/** Starts a broker with a manager, and more of `secret_broker`; it ends with the test. */
export async function start(manager: string, rest = "", options: StartBrokerOptions = {}): Promise<TestBroker> {
  const config = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: ${manager}
${common}${rest.includes("timeouts:") ? "" : usualTimeouts}${rest}`;
  const broker = await startBroker({ config, ...options });
  onTestFinished(() => broker.stop());
  return broker;
}

/** A client that tries once; it ends with the test. */
export function clientOf(address: string): SecretBrokerClient {
  const client = new SecretBrokerClient(address, { retry: { attempts: 1 } });
  onTestFinished(() => client.close());
  return client;
}
