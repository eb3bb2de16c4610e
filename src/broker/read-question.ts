import type { ManagerCall } from "../contract/manager-call.js";
import type { SecretManager } from "../contract/secret-manager.js";
import type { Secret } from "../domain/secret.js";
import type { SecretName } from "../domain/secret-name.js";
import type { Options } from "./guarded-call.js";
import type { Question } from "./manager-guard.js";
import type { ReadReplyReader } from "./read-reply-reader.js";
import type { ReadRef } from "./secret-ref.js";

/** A read as a question. A class, not an object of closures as the others are: reads are what there are most of. */
export class ReadQuestion implements Question<Secret | undefined> {
  readonly operation = "read";
  readonly name: SecretName;
  readonly options: Options | undefined;
  readonly maxStalenessMs: number | undefined;
  readonly #reader: ReadReplyReader;

  constructor({ name, options, maxStalenessMs }: ReadRef, reader: ReadReplyReader) {
    this.name = name;
    this.options = options;
    this.maxStalenessMs = maxStalenessMs;
    this.#reader = reader;
  }

  ask(manager: SecretManager, call: ManagerCall): unknown {
    return manager.readSecret(this.name, call);
  }

  parse(reply: unknown): Secret | undefined {
    return unlessExpired(this.#reader.parse(this.name, reply));
  }
}

/** A version that has expired is not there. */
export function unlessExpired(secret: Secret | undefined): Secret | undefined {
  return secret?.expireTime !== undefined && secret.expireTime.getTime() <= Date.now() ? undefined : secret;
}
