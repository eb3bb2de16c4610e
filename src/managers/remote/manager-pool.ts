import type { ManagerCall } from "../../contract/manager-call.js";
import type { Capability } from "../../domain/capability.js";
import { SecretError } from "../../domain/secret-error.js";
import { unavailable } from "./call-failure.js";
import type { ManagerHello } from "./handshake.js";
import type { ManagerConnection } from "./manager-connection.js";
import { type EndpointSource, type InstanceOptions, ManagerInstance } from "./manager-instance.js";
import { RemoteSecretManager, type Instances } from "./remote-secret-manager.js";
import type { ManagerRpc } from "./wire/rpcs.js";

/** What all instances of a manager can do. */
type Shared = Pick<ManagerHello, "name" | "capabilities" | "maxPayloadBytes">;

/**
 * Opens a manager that runs in other processes, as one instance or several.
 *
 * Waits for each instance's first attempt; one must be there, and whichever is not is tried again and again.
 * @throws SecretError why the first of them could not be asked, when none could
 */
export async function openRemoteManager(
  sources: readonly EndpointSource[],
  options: Omit<InstanceOptions, "accept">,
): Promise<RemoteSecretManager> {
  const pool = new ManagerPool(sources, options);
  return new RemoteSecretManager(pool, await pool.start());
}

/** Instances that take turns. */
class ManagerPool implements Instances {
  readonly #instances: readonly ManagerInstance[];
  #shared: Shared | undefined;
  #turn = 0;
  #isClosed = false;

  constructor(sources: readonly EndpointSource[], options: Omit<InstanceOptions, "accept">) {
    const accept = (connection: ManagerConnection): void => {
      this.#accept(connection);
    };
    this.#instances = sources.map((source) => new ManagerInstance(source, { ...options, accept }));
  }

  async start(): Promise<Shared> {
    const attempts = await Promise.allSettled(this.#instances.map((instance) => instance.start()));
    const [first, ...others] = attempts.flatMap((attempt) => (attempt.status === "fulfilled" ? [attempt.value] : []));
    if (first === undefined) {
      await this.close();
      throw attempts.find((attempt) => attempt.status === "rejected")?.reason;
    }
    for (const [index, { status }] of attempts.entries()) if (status === "rejected") this.#instances[index]?.retry();
    return (this.#shared = others.map(({ hello }) => hello).reduce(inCommon, first.hello));
  }

  async ask<Request, Response>(
    rpc: ManagerRpc<Request, Response>,
    request: Request,
    call: ManagerCall,
  ): Promise<Response> {
    return await this.#next().ask(rpc, request, call);
  }

  async *follow<Request, Response>(
    rpc: ManagerRpc<Request, Response>,
    request: Request,
    call: ManagerCall,
  ): AsyncGenerator<Response, void> {
    yield* this.#next().follow(rpc, request, call);
  }

  async checkHealth({ signal }: ManagerCall): Promise<boolean> {
    const connections = this.#connections();
    const healthy = await Promise.all(connections.map((connection) => connection.probe(signal)));
    return healthy.includes(true);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#instances.map((instance) => instance.close()));
  }

  #connections(): readonly ManagerConnection[] {
    return this.#instances.flatMap(({ connection }) => connection ?? []);
  }

  /** The next in turn that says it is well, or else the next that is there at all. */
  #next(): ManagerConnection {
    if (this.#isClosed) throw unavailable("is closed");
    const there = this.#connections();
    const well = there.length === 1 ? there : there.filter(({ isHealthy }) => isHealthy);
    const candidates = well.length > 0 ? well : there;
    this.#turn = (this.#turn + 1) % 0x3fff_ffff;
    const chosen = candidates[this.#turn % candidates.length];
    if (chosen === undefined) throw unavailable("is not connected");
    return chosen;
  }

  /** What joins later must do at least what was promised at the start. */
  #accept({ hello }: ManagerConnection): void {
    if (this.#shared === undefined) return;
    const { capabilities, maxPayloadBytes } = this.#shared;
    const lacking = [...capabilities].filter((capability) => !hello.capabilities.has(capability));
    const smaller = smallest(maxPayloadBytes, hello.maxPayloadBytes) !== maxPayloadBytes;
    if (lacking.length === 0 && !smaller) return;
    const what = smaller ? "takes smaller payloads" : `lacks ${lacking.join(", ")}`;
    throw new SecretError("CONFIG_INVALID", `an instance of ${hello.name} ${what} now; restart the broker`);
  }
}

function inCommon(one: Shared, other: ManagerHello): Shared {
  const both = (capability: Capability): boolean => other.capabilities.has(capability);
  return {
    name: one.name,
    capabilities: new Set([...one.capabilities].filter(both)),
    maxPayloadBytes: smallest(one.maxPayloadBytes, other.maxPayloadBytes),
  };
}

/** Of two bounds, where 0 is none. */
function smallest(one: number, other: number): number {
  return one === 0 || other === 0 ? Math.max(one, other) : Math.min(one, other);
}
