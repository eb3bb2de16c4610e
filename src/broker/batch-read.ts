import type { Secret } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import type { Call } from "./call.js";
import type { GuardedManager, GuardedRead, GuardedReadResult } from "./guarded-manager.js";
import { foundNow } from "./read-origin.js";
import { answerRead, type ReadRequest, type ReadResult } from "./read-secret.js";

/** Where the replies to one request are among those of the batch. */
interface Places {
  readonly own: number;
  /** Of the active version, which tells a missing version from a missing secret. */
  readonly active: number | undefined;
}

/** Several reads from one point in time, asked for together when the first answer is wanted. */
export class AtomicBatch {
  readonly #ask: () => Promise<readonly GuardedReadResult[]>;
  // request → its places
  readonly #places = new Map<ReadRequest, Places>();
  #asked: Promise<readonly GuardedReadResult[]> | undefined;

  /** @param requests only those that are allowed: all of them are asked for */
  constructor(manager: GuardedManager, call: Call, requests: readonly ReadRequest[]) {
    const reads: GuardedRead[] = [];
    for (const request of requests) {
      const { name, options, version } = request;
      const own = reads.push({ name, options, version }) - 1;
      const active = version === undefined ? undefined : reads.push({ name, options }) - 1;
      this.#places.set(request, { own, active });
    }
    this.#ask = () => manager.batchRead(call, reads);
  }

  /** @throws SecretError as the read alone would */
  async read(request: ReadRequest): Promise<ReadResult> {
    const results = await (this.#asked ??= this.#ask());
    const { own, active } = this.#places.get(request) ?? { own: -1, active: undefined };
    const found = secretOf(results[own]);
    const { name, version } = request;
    if (found === undefined && version !== undefined && active !== undefined) {
      if (secretOf(results[active]) !== undefined) throw SecretError.versionNotFound(name, version);
    }
    return answerRead(foundNow(found), request);
  }
}

function secretOf(result: GuardedReadResult | undefined): Secret | undefined {
  if (result !== undefined && "error" in result) throw result.error;
  return result?.secret;
}
