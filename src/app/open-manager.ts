import type { ManagerConfig, ManagerKind, StoreConfig } from "../config/config.js";
import type { SecretManager } from "../contract/secret-manager.js";
import { SecretError } from "../domain/secret-error.js";
import type { Log } from "../log/log.js";
import { EnvironmentSecretManager } from "../managers/environment/environment-secret-manager.js";
import { MemorySecretManager } from "../managers/memory/memory-secret-manager.js";
import { loadManagerModule } from "../managers/module/load-manager-module.js";
import { registerDoors } from "../managers/module/register-doors.js";
import { doors } from "./doors.js";
import { openStoreDatabase } from "./open-store-database.js";
import { late, within } from "./within.js";

/** The most bytes of opened payloads that a store keeps in memory. */
const cacheBytes = 64 * 1024 * 1024;

/** How each kind of manager is made; the only list of kinds. */
const openers: {
  readonly [K in ManagerKind]: (config: ManagerConfig & { kind: K }, log: Log) => Promise<SecretManager>;
} = {
  module: ({ classPath, directory }, log) => {
    registerDoors(doors);
    return loadManagerModule(classPath, directory, (note) => {
      log.warn({ classPath }, note);
    });
  },
  memory: () => Promise.resolve(new MemorySecretManager()),
  environment: ({ prefix }) => Promise.resolve(new EnvironmentSecretManager({ environment: process.env, prefix })),
  sqlite: (config, log) => openStore(config, cacheBytes, log),
  // Nothing is remembered: another broker may have written since.
  postgres: (config, log) => openStore(config, 0, log),
};

/** Keeps the store too: sweeps it, and wraps its data keys anew. */
async function openStore(config: StoreConfig, maxCacheBytes: number, log: Log): Promise<SecretManager> {
  const { openEncryptedStore } = await import("./open-encrypted-store.js");
  const { kind: managerName, encryption } = config;
  const database = await openStoreDatabase(config, { isGuest: false });
  const onNote = (note: string): void => {
    log.warn({ store: database.description }, note);
  };
  const store = await openEncryptedStore(database, { managerName, encryption, cacheBytes: maxCacheBytes, onNote });
  store.maintenance.start();
  return store;
}

/**
 * Makes the configured manager and asks it whether its environment is right.
 * @throws SecretError `CONFIG_INVALID`
 */
export async function openManager(config: ManagerConfig, log: Log): Promise<SecretManager> {
  const manager = await open(config, log);
  await validate(manager);
  return manager;
}

function open(config: ManagerConfig, log: Log): Promise<SecretManager> {
  switch (config.kind) {
    case "module":
      return openers.module(config, log);
    case "memory":
      return openers.memory(config, log);
    case "environment":
      return openers.environment(config, log);
    case "sqlite":
      return openers.sqlite(config, log);
    case "postgres":
      return openers.postgres(config, log);
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
