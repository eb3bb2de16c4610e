import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ManagerKind } from "../../src/config/config.js";
import type { SecretManager } from "../../src/contract/secret-manager.js";
import type { Payload } from "../../src/domain/payload.js";
import { EnvironmentSecretManager } from "../../src/managers/environment/environment-secret-manager.js";
import { MemorySecretManager } from "../../src/managers/memory/memory-secret-manager.js";
import type { ManagerSubject } from "../../src/testkit/index.js";
import { openTestStore, storeCapabilities } from "../store/open-test-store.js";
import { InMemorySecretManager } from "../../examples/custom-manager/my_secret_manager.js";

/** The kinds that are other managers seen through a wire; each has its laws in a test of its own. */
export const wireKinds: Readonly<Record<Extract<ManagerKind, "remote" | "process" | "upstream">, string>> = {
  remote: "every other subject, served on a socket",
  process: "every law at once, by one process that is verified",
  upstream: "every law that the API can show, over a central broker",
};

const memory: ManagerSubject = {
  open: () => new MemorySecretManager(),
  capabilities: [
    "write",
    "delete",
    "rotate",
    "list",
    "describe",
    "versions",
    "preconditions",
    "idempotency",
    "expiry",
    "activate",
    "atomic_batch",
  ],
};

const environments = new WeakMap<SecretManager, Record<string, string>>();

const environment: ManagerSubject = {
  open: () => {
    const variables: Record<string, string> = {};
    const manager = new EnvironmentSecretManager({ environment: variables, prefix: "APP_" });
    environments.set(manager, variables);
    return manager;
  },
  capabilities: ["list", "describe"],
  payloads: "text",
  seed: (manager: SecretManager, name: string, value: Payload) => {
    const variables = environments.get(manager);
    if (variables === undefined || typeof value !== "string") throw new TypeError("cannot be seeded");
    variables[`APP_${name}`] = value;
  },
};

/** An example's class stands for a user's. */
const module: ManagerSubject = {
  open: () => {
    const manager = new InMemorySecretManager();
    for (const name of ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"]) manager.deleteSecret(name);
    return manager;
  },
  capabilities: ["write", "delete", "list"],
};

const sqlite: ManagerSubject = {
  open: async () => {
    const directory = await mkdtemp(join(tmpdir(), "sqlite-laws-"));
    return await openTestStore(join(directory, "secrets.db"), {
      onClose: () => rmSync(directory, { recursive: true }),
    });
  },
  capabilities: storeCapabilities,
};

/** One subject for each kind of manager that needs no server; test/conformance/over-the-wire.test.ts has those in processes. */
export const subjects: Readonly<Record<Exclude<ManagerKind, "postgres" | keyof typeof wireKinds>, ManagerSubject>> = {
  memory,
  environment,
  module,
  sqlite,
};

/** The same subject with something in front of the manager; seeding still reaches the manager itself. */
export function throughWrapper(
  subject: ManagerSubject,
  wrap: (manager: SecretManager) => SecretManager | Promise<SecretManager>,
): ManagerSubject {
  // wrapper → what it wraps
  const wrapped = new WeakMap<SecretManager, SecretManager>();
  const { seed } = subject;
  return {
    ...subject,
    open: async () => {
      const inner = await subject.open();
      const outer = await wrap(inner);
      wrapped.set(outer, inner);
      return outer;
    },
    ...(seed && {
      seed: (outer: SecretManager, name: string, value: Payload) => seed(wrapped.get(outer) ?? outer, name, value),
    }),
  };
}
