import { refuseOpenManagerKey } from "../config/file-rights.js";
import type { ManagerConfig, ManagerKind, StoreConfig } from "../config/config.js";
import type { SecretManager } from "../contract/secret-manager.js";
import { SecretError } from "../domain/secret-error.js";
import type { OpenManagerOptions } from "./open-manager-options.js";
import { openStoreDatabase } from "./open-store-database.js";
import { late, within } from "./within.js";

/** The most bytes of opened payloads that a store keeps in memory. */
const cacheBytes = 64 * 1024 * 1024;

/** How each kind of manager is made, and loaded only then; the only list of kinds. */
const openers: {
  readonly [K in ManagerKind]: (
    config: ManagerConfig & { kind: K },
    options: OpenManagerOptions,
  ) => Promise<SecretManager>;
} = {
  module: async (config, options) => {
    const { openModuleManager } = await import("./open-module.js");
    return await openModuleManager(config, options);
  },
  memory: async () => {
    const { MemorySecretManager } = await import("../managers/memory/memory-secret-manager.js");
    return new MemorySecretManager();
  },
  environment: async ({ prefix }) => {
    const { EnvironmentSecretManager } = await import("../managers/environment/environment-secret-manager.js");
    return new EnvironmentSecretManager({ environment: process.env, prefix });
  },
  sqlite: (config, options) => openStore(config, cacheBytes, options),
  // Nothing is remembered: another broker may have written since.
  postgres: (config, options) => openStore(config, 0, options),
  process: async (config, options) => {
    const { openProcessManager } = await import("./open-remote.js");
    return await openProcessManager(config, options);
  },
  remote: async (config, options) => {
    const { openDialledManager } = await import("./open-remote.js");
    return await openDialledManager(config, options);
  },
  upstream: async (config, options) => {
    const { openUpstreamManager } = await import("./open-upstream.js");
    return await openUpstreamManager(config, options);
  },
};

/** Keeps the store too: sweeps it, and wraps its data keys anew. */
async function openStore(
  config: StoreConfig,
  maxCacheBytes: number,
  { log, isGuest = false }: OpenManagerOptions,
): Promise<SecretManager> {
  const { openEncryptedStore } = await import("./open-encrypted-store.js");
  const { kind: managerName, encryption } = config;
  const database = await openStoreDatabase(config, { isGuest });
  const onNote = (note: string): void => {
    log.warn({ store: database.description }, note);
  };
  const store = await openEncryptedStore(database, {
    managerName,
    encryption,
    cacheBytes: isGuest ? 0 : maxCacheBytes,
    onNote,
  });
  if (!isGuest) store.maintenance.start();
  return store;
}

/**
 * Makes the configured manager and asks it whether its environment is right.
 * @throws SecretError `CONFIG_INVALID`, ConfigError for a private key that others can read
 */
export async function openManager(config: ManagerConfig, options: OpenManagerOptions): Promise<SecretManager> {
  await refuseOpenManagerKey(config);
  const manager = await open(config, options);
  await validate(manager);
  return manager;
}

function open(config: ManagerConfig, options: OpenManagerOptions): Promise<SecretManager> {
  switch (config.kind) {
    case "module":
      return openers.module(config, options);
    case "memory":
      return openers.memory(config, options);
    case "environment":
      return openers.environment(config, options);
    case "sqlite":
      return openers.sqlite(config, options);
    case "postgres":
      return openers.postgres(config, options);
    case "process":
      return openers.process(config, options);
    case "remote":
      return openers.remote(config, options);
    case "upstream":
      return openers.upstream(config, options);
  }
}

/** How long a manager may take to look at its environment. */
const validateTimeoutMs = 30_000;

async function validate(manager: SecretManager): Promise<void> {
  const name = manager.managerName ?? manager.constructor.name;
  const seconds = String(validateTimeoutMs / 1_000);
  const answer = await ask(manager, name);
  if (answer === false) throw invalid(`${name}.validateEnvironment() says that what the manager needs is not there`);
  if (answer === late) throw invalid(`${name}.validateEnvironment() did not end within ${seconds} seconds`);
}

async function ask(manager: SecretManager, name: string): Promise<unknown> {
  try {
    return await within(validateTimeoutMs, manager.validateEnvironment?.());
  } catch (cause) {
    throw invalid(`${name}.validateEnvironment() failed; its message is in the log`, cause);
  }
}

function invalid(message: string, cause?: unknown): SecretError {
  return new SecretError("CONFIG_INVALID", message, { cause });
}
