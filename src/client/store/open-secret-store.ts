import type { ClientOptions } from "../client-options.js";
import { SecretBrokerClient } from "../secret-broker-client.js";
import { SecretStore } from "./secret-store.js";
import type { StoreOptions } from "./store-options.js";
import type { SecretSource } from "./store-source.js";

/** Where a store's secrets come from, and how they are kept. */
export type OpenStoreOptions = StoreOptions &
  ClientOptions & {
    /** The broker, or several in the order they are tried; `client` otherwise. */
    readonly address?: string | readonly string[] | undefined;
    /** A client, or whatever answers like one; it stays open when the store is closed. */
    readonly client?: SecretSource | undefined;
  };

/** Where a broker is looked for unless told otherwise. */
const defaultAddress = "127.0.0.1:50051";

/**
 * Opens a store and waits until the declared secrets are there. Must be closed; a process that forgets to can exit.
 * @throws SecretError `FIELD_INVALID` for an option; what keeps a secret from being there, with the names of all
 */
export async function openSecretStore(options: OpenStoreOptions = {}): Promise<SecretStore> {
  const { client, address = defaultAddress } = options;
  if (client !== undefined) return await opened(new SecretStore(client, options));
  const own = new SecretBrokerClient(address, options);
  try {
    return await opened(new OwningStore(own, options));
  } catch (error) {
    own.close();
    throw error;
  }
}

async function opened(store: SecretStore): Promise<SecretStore> {
  try {
    await store.start();
    return store;
  } catch (error) {
    store.close();
    throw error;
  }
}

/** A store that closes the client it was opened with. */
class OwningStore extends SecretStore {
  readonly #client: SecretBrokerClient;

  constructor(client: SecretBrokerClient, options: StoreOptions) {
    super(client, options);
    this.#client = client;
  }

  override close(): void {
    super.close();
    this.#client.close();
  }
}
