import type { ManagerCall } from "../../contract/manager-call.js";
import type { ReadReply, SecretManager, Supports } from "../../contract/secret-manager.js";
import type { Capability } from "../../domain/capability.js";
import type { Asking } from "./asking.js";
import { changingMembers } from "./changing-members.js";
import type { ManagerHello } from "./handshake.js";
import { lookingMembers } from "./looking-members.js";
import { readingMembers } from "./reading-members.js";

/** The instances of one manager. */
export interface Instances extends Asking {
  /** Whether one of them can answer. */
  checkHealth(call: ManagerCall): Promise<boolean>;
  close(): Promise<void>;
}

/** The member each capability shows by; those it does not show by are in `supports`. */
const memberByCapability = {
  write: "writeSecret",
  delete: "deleteSecret",
  rotate: "rotateSecret",
  list: "listSecrets",
  describe: "describeSecret",
  versions: "readSecretVersion",
  preconditions: undefined,
  idempotency: undefined,
  expiry: undefined,
  grace_period: undefined,
  activate: "activateSecretVersion",
  restore: "restoreSecret",
  destroy: "destroySecret",
  watch: "watchSecrets",
  atomic_batch: "batchReadSecrets",
} satisfies Record<Capability, keyof SecretManager | undefined>;

/**
 * A manager in another process. It has the members the handshake told of, distrusts every answer, and never passes on a
 * text of the manager's.
 */
export class RemoteSecretManager implements SecretManager {
  readonly managerName: string;
  readonly supports: Supports;
  readonly #read: (name: string, call: ManagerCall) => Promise<ReadReply | undefined>;
  readonly #instances: Instances;
  #closing: Promise<void> | undefined;

  constructor(instances: Instances, hello: Pick<ManagerHello, "name" | "capabilities" | "maxPayloadBytes">) {
    const { name, capabilities, maxPayloadBytes } = hello;
    this.managerName = name;
    this.#instances = instances;
    this.supports = {
      preconditions: capabilities.has("preconditions"),
      idempotency: capabilities.has("idempotency"),
      expiry: capabilities.has("expiry"),
      gracePeriod: capabilities.has("grace_period"),
    };
    const keepsVersions = capabilities.has("versions");
    const { readSecret, ...reading } = readingMembers(instances, keepsVersions);
    this.#read = readSecret;
    const changing = changingMembers(instances, { keepsVersions, maxPayloadBytes });
    const members: Partial<SecretManager> = { ...reading, ...changing, ...lookingMembers(instances) };
    for (const capability of capabilities) {
      const member = memberByCapability[capability];
      if (member !== undefined) Object.defineProperty(this, member, { value: members[member], enumerable: true });
    }
  }

  /** Reads the active version. */
  readSecret(name: string, call: ManagerCall): Promise<ReadReply | undefined> {
    return this.#read(name, call);
  }

  /** Whether an instance is there that says that it can answer. */
  async checkHealth(call: ManagerCall): Promise<boolean> {
    return await this.#instances.checkHealth(call);
  }

  /** Ends all calls, and the processes where the broker has started them. */
  async close(): Promise<void> {
    this.#closing ??= this.#instances.close();
    await this.#closing;
  }
}
