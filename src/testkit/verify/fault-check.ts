import assert from "node:assert/strict";
import type { ManagerCall } from "../../contract/manager-call.js";
import type { SecretManager } from "../../contract/secret-manager.js";
import type { Capability } from "../../domain/capability.js";
import type { Payload } from "../../domain/payload.js";
import { isSecretError } from "../../domain/secret-error.js";
import type { Relay } from "./relay.js";

/** What a fault is injected with. */
export interface FaultStage {
  /** The manager in a scope of its own, through the relay. */
  readonly manager: SecretManager;
  readonly capabilities: ReadonlySet<Capability>;
  readonly relay: Relay;
  /** Connects once more, in the same scope. */
  readonly reconnect: () => Promise<SecretManager>;
  /** Sends bytes as the request of an RPC; resolves with the status code it ends with. */
  readonly sendRaw: (rpc: string, request: Uint8Array) => Promise<number>;
}

/** One fault, and what must hold under it. */
export interface FaultCheck {
  readonly name: string;
  readonly needs: readonly Capability[];
  readonly check: (stage: FaultStage) => Promise<void>;
}

/** How long anything may take under a fault. */
export const patienceMs = 20_000;

/** What goes with a call. */
export function callFor(changes: Partial<ManagerCall> = {}): ManagerCall {
  return {
    options: {},
    signal: new AbortController().signal,
    deadline: new Date(Date.now() + patienceMs),
    principal: "verify",
    requestId: "verify-fault",
    ...changes,
  };
}

/** The reason something ends with; undefined when it is answered. */
export async function reasonOf(work: PromiseLike<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (thrown) {
    return isSecretError(thrown) ? thrown.reason : "UNEXPECTED";
  }
}

/** The payload of the active version; undefined when it is absent. */
export async function valueOf(manager: SecretManager, name: string): Promise<Payload | undefined> {
  const reply = await manager.readSecret(name, callFor());
  return typeof reply === "object" && !(reply instanceof Uint8Array) ? reply.value : reply;
}

/** Writes; a manager without versions answers with none. */
export async function write(
  manager: SecretManager,
  name: string,
  [value, requestId]: readonly [value: Payload, requestId?: string],
): Promise<number | undefined> {
  assert.ok(manager.writeSecret !== undefined, "the manager has no writeSecret");
  const reply = await manager.writeSecret(name, value, { requestId }, callFor());
  return reply?.version;
}
