import { openManager } from "../../src/app/open-manager.js";
import type { SecretManager } from "../../src/contract/secret-manager.js";
import { startBroker } from "../../src/testkit/start-broker.js";
import { storeCapabilities } from "../store/open-test-store.js";
import { describeOverGrpc, openBrokerAsManager } from "./broker-as-manager.js";

const quiet = (): void => undefined;
const log = { error: quiet, warn: quiet, info: quiet, debug: quiet };

const central = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: sqlite, path: secrets.db }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  timeouts: { watch_heartbeat: 10s, drain: 1s }
`;

/** The manager alone, over a central broker of its own. */
async function openUpstream(): Promise<SecretManager> {
  const broker = await startBroker({ config: central });
  const path = broker.socket.slice("unix:".length);
  const addresses = [{ kind: "unix", path } as const];
  const manager = await openManager({ kind: "upstream", addresses, tls: undefined, tokenPath: undefined }, { log });
  const close = manager.close?.bind(manager);
  let closing: Promise<void> | undefined;
  const closeAll = async (): Promise<void> => {
    await close?.();
    await broker.stop();
  };
  return Object.defineProperty(manager, "close", { value: () => (closing ??= closeAll()) });
}

/** A whole sidecar, over a central broker of its own. */
async function openSidecar(): Promise<SecretManager> {
  const broker = await startBroker({ config: central });
  const sidecar = await openBrokerAsManager(`{ kind: upstream, address: "${broker.socket}" }`, storeCapabilities);
  const close = sidecar.close?.bind(sidecar);
  let closing: Promise<void> | undefined;
  const closeAll = async (): Promise<void> => {
    await close?.();
    await broker.stop();
  };
  return Object.defineProperty(sidecar, "close", { value: () => (closing ??= closeAll()) });
}

describeOverGrpc("the upstream manager, asked", openUpstream, storeCapabilities);
describeOverGrpc("a sidecar, asked", openSidecar, storeCapabilities);
