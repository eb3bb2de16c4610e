import type { ManagerCall } from "../../contract/manager-call.js";
import type { SecretManager, WatchEvent } from "../../contract/secret-manager.js";
import type { Capability } from "../../domain/capability.js";
import type { SecretDescription } from "../../domain/secret.js";
import { maxSecretNameLength } from "../../domain/secret-name.js";

/** One corner of a manager that others use too: names and request ids of its own. */
export class Scope {
  /** What all names and request ids in it begin with. */
  readonly prefix: string;
  /** What was written in it, by the manager's names. */
  readonly written: Set<string> = new Set<string>();
  /** The manager's name → ours, where ours was too long to be kept whole. */
  readonly #shortened = new Map<string, string>();

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** The manager's name for one of ours. */
  outer(name: string): string {
    const whole = this.prefix + name;
    if (whole.length <= maxSecretNameLength) return whole;
    const cut = whole.slice(0, maxSecretNameLength);
    this.#shortened.set(cut, name);
    return cut;
  }

  /** Our name for one of the manager's; undefined for one outside. */
  inner(name: string): string | undefined {
    if (!name.startsWith(this.prefix)) return undefined;
    return this.#shortened.get(name) ?? name.slice(this.prefix.length);
  }

  /** The same, for a secret that was asked for by its name. */
  described<T extends SecretDescription>(secret: T): T {
    return { ...secret, name: this.inner(secret.name) ?? secret.name };
  }
}

/** A manager that seems to be empty: everything happens in a scope of it. It has the members that the manager has. */
export function scopedManager(manager: SecretManager, scope: Scope): SecretManager {
  return {
    managerName: manager.managerName,
    supports: manager.supports,
    readSecret: (name, call) => manager.readSecret(scope.outer(name), call),
    ...(manager.checkHealth && { checkHealth: (call) => manager.checkHealth?.(call) }),
    close: () => manager.close?.(),
    ...writing(manager, scope),
    ...reviving(manager, scope),
    ...looking(manager, scope),
  };
}

function writing(manager: SecretManager, scope: Scope): Partial<SecretManager> {
  const ours = <T extends { readonly requestId?: string | undefined }>(options: T): T =>
    options.requestId === undefined ? options : { ...options, requestId: scope.prefix + options.requestId };
  return {
    ...(manager.writeSecret && {
      writeSecret: (...[name, value, options, call]) => {
        scope.written.add(scope.outer(name));
        return manager.writeSecret?.(scope.outer(name), value, ours(options), call);
      },
    }),
    ...(manager.deleteSecret && {
      deleteSecret: (name, options, call) => manager.deleteSecret?.(scope.outer(name), ours(options), call),
    }),
    ...(manager.rotateSecret && {
      rotateSecret: (...[name, newName, value, options, call]) => {
        scope.written.add(scope.outer(newName));
        return manager.rotateSecret?.(scope.outer(name), scope.outer(newName), value, options, call);
      },
    }),
  };
}

function reviving(manager: SecretManager, scope: Scope): Partial<SecretManager> {
  return {
    ...(manager.activateSecretVersion && {
      activateSecretVersion: async (...[name, version, options, call]) => {
        const secret = await manager.activateSecretVersion?.(scope.outer(name), version, options, call);
        return scope.described(secret ?? { name });
      },
    }),
    ...(manager.restoreSecret && {
      restoreSecret: async (name, options, call) => {
        return scope.described((await manager.restoreSecret?.(scope.outer(name), options, call)) ?? { name });
      },
    }),
    ...(manager.destroySecret && {
      destroySecret: (name, target, call) => manager.destroySecret?.(scope.outer(name), target, call),
    }),
  };
}

function looking(manager: SecretManager, scope: Scope): Partial<SecretManager> {
  return {
    ...(manager.readSecretVersion && {
      readSecretVersion: (name, version, call) => manager.readSecretVersion?.(scope.outer(name), version, call),
    }),
    ...(manager.batchReadSecrets && {
      batchReadSecrets: async (reads, call) => {
        const asked = reads.map((read) => ({ ...read, name: scope.outer(read.name) }));
        return (await manager.batchReadSecrets?.(asked, call)) ?? [];
      },
    }),
    ...(manager.listSecrets && {
      listSecrets: async (query, call) => {
        const reply = await manager.listSecrets?.({ ...query, prefix: scope.prefix + query.prefix }, call);
        return { ...reply, secrets: (reply?.secrets ?? []).map((secret) => scope.described(secret)) };
      },
    }),
    ...(manager.describeSecret && {
      describeSecret: async (name, call) => {
        const reply = await manager.describeSecret?.(scope.outer(name), call);
        return reply && scope.described(reply);
      },
    }),
    ...(manager.watchSecrets && { watchSecrets: (after, call) => watchScope(manager, scope, [after, call]) }),
  };
}

async function* watchScope(
  manager: SecretManager,
  scope: Scope,
  [after, call]: [bigint | undefined, ManagerCall],
): AsyncGenerator<WatchEvent> {
  for await (const event of manager.watchSecrets?.(after, call) ?? []) {
    if (!("secret" in event)) yield event;
    else if (scope.inner(event.secret.name) !== undefined) yield { ...event, secret: scope.described(event.secret) };
  }
}

/** Removes what was written in a scope, as far as the manager can. Never throws. @returns how many names may be left */
export async function sweepScope(
  manager: SecretManager,
  { written }: Scope,
  capabilities: ReadonlySet<Capability>,
): Promise<number> {
  if (!capabilities.has("delete")) return written.size;
  let left = 0;
  for (const name of written) {
    const call: ManagerCall = {
      options: {},
      signal: AbortSignal.timeout(10_000),
      deadline: new Date(Date.now() + 10_000),
      principal: "verify",
      requestId: "verify-sweep",
    };
    try {
      await manager.deleteSecret?.(name, { recoveryWindowInDays: 0 }, call);
    } catch {
      left += 1;
    }
  }
  return left;
}
