import {
  openSecretStore,
  type OpenStoreOptions,
  SecretBrokerClient,
  type SecretStore,
} from "../../../src/client/index.js";
import { startBroker, type TestBroker } from "../../../src/testkit/start-broker.js";

/** What a test of the store works with. */
export interface StoreSetup {
  readonly broker: TestBroker;
  /** Changes what the broker has. */
  readonly client: SecretBrokerClient;
  open(options?: OpenStoreOptions): Promise<SecretStore>;
  /** Runs something when the test is over. */
  later(cleanup: () => unknown): void;
  end(): Promise<void>;
}

/** A configuration with a manager of some kind, and settings of a heartbeat that a test can wait for. */
export function configWith(manager: string, keyManagement = "access_mode: read_and_write"): string {
  return `
general_settings: { key_management_settings: { ${keyManagement} } }
secret_broker:
  manager: ${manager}
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  timeouts: { watch_heartbeat: 100ms, watch_poll: 100ms, drain: 1s }
`;
}

/** The built-in store, which tells of changes by itself. */
export const sqlite = "{ kind: sqlite, path: secrets.db }";

/** Starts a broker with these secrets. */
export async function setUpStore(
  secrets: Readonly<Record<string, string | Uint8Array>> = {},
  config: string = configWith(sqlite),
): Promise<StoreSetup> {
  const broker = await startBroker({ config });
  const client = new SecretBrokerClient(broker.address);
  const cleanups: (() => unknown)[] = [
    () => broker.stop(),
    () => {
      client.close();
    },
  ];
  for (const [name, payload] of Object.entries(secrets)) await client.writeSecret({ name, payload });
  return {
    broker,
    client,
    later: (cleanup) => cleanups.push(cleanup),
    open: async (options = {}) => {
      const store = await openSecretStore({ address: broker.address, ...options });
      cleanups.push(() => {
        store.close();
      });
      return store;
    },
    end: async () => {
      for (const cleanup of cleanups.reverse()) await cleanup();
    },
  };
}
