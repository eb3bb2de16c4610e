import type { Secret } from "../domain/secret.js";
import type { SecretName } from "../domain/secret-name.js";
import { parseReadReply } from "./manager-reply.js";

/**
 * Turns replies to reads into secrets. A manager that answers with one and the same frozen reply, as our own do for a
 * version in memory, has it checked once: the secret made of it is remembered as long as the reply lives.
 */
export class ReadReplyReader {
  readonly #maxPayloadBytes: () => number;
  // frozen reply → the secret it was checked and read as
  readonly #remembered = new WeakMap<object, Secret>();

  constructor(maxPayloadBytes: () => number) {
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** The active version. */
  parse(name: SecretName, reply: unknown): Secret | undefined {
    if (typeof reply !== "object" || reply === null) return this.#read(name, reply);
    const remembered = this.#remembered.get(reply);
    if (remembered?.name === name) return remembered;
    const secret = this.#read(name, reply);
    // An age grows, whether the reply that told it is frozen or not.
    const isLasting = secret !== undefined && secret.freshness === undefined;
    if (isLasting && isDeeplyFrozen(reply)) this.#remember(reply, secret);
    return secret;
  }

  /** The version that was asked for. */
  parseVersion(name: SecretName, version: number, reply: unknown): Secret | undefined {
    return parseReadReply(reply, { name, version, maxPayloadBytes: this.#maxPayloadBytes() });
  }

  /** One object for every reader from now on, so none of them may change it. */
  #remember(reply: object, secret: Secret): void {
    Object.freeze(secret.tags);
    this.#remembered.set(reply, Object.freeze(secret));
  }

  #read(name: SecretName, reply: unknown): Secret | undefined {
    return parseReadReply(reply, { name, maxPayloadBytes: this.#maxPayloadBytes() });
  }
}

/**
 * Whether the reply will say the same for ever: bytes can always be changed, so only text qualifies. A date counts as
 * fixed, though it could be set.
 */
function isDeeplyFrozen(reply: object): boolean {
  if (!isPlainAndFrozen(reply) || !("value" in reply) || typeof reply.value !== "string") return false;
  return !("tags" in reply) || reply.tags === undefined || isPlainAndFrozen(reply.tags);
}

/** Frozen, and nothing of it computed: a getter, its own or inherited, may answer otherwise the next time. */
function isPlainAndFrozen(object: unknown): boolean {
  if (typeof object !== "object" || object === null || !Object.isFrozen(object)) return false;
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== null && prototype !== Object.prototype) return false;
  return Object.values(Object.getOwnPropertyDescriptors(object)).every((property) => "value" in property);
}
