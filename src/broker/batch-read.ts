import type { Secret } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import type { BatchRoom } from "./batch-room.js";
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

/** What an atomic batch works with. */
export interface AtomicBatchParts {
  readonly manager: GuardedManager;
  readonly call: Call;
  /** For all that is read: of a version, and of a field, the active version's whole payload too. */
  readonly room: BatchRoom;
}

/** Several reads from one point in time, asked for together when the first answer is wanted. */
export class AtomicBatch {
  readonly #ask: () => Promise<readonly GuardedReadResult[]>;
  // request → its places
  readonly #places = new Map<ReadRequest, Places>();
  #asked: Promise<readonly GuardedReadResult[]> | undefined;

  /** @param requests only those that are allowed: all of them are asked for */
  constructor({ manager, call, room }: AtomicBatchParts, requests: readonly ReadRequest[]) {
    const reads: GuardedRead[] = [];
    for (const request of requests) {
      const { name, options, version } = request;
      const own = reads.push({ name, options, version }) - 1;
      const active = version === undefined ? undefined : reads.push({ name, options }) - 1;
      this.#places.set(request, { own, active });
    }
    this.#ask = async () => {
      const results = await manager.batchRead(call, reads, room);
      room.assertFits();
      return results;
    };
  }

  /** @throws SecretError as the read alone would; `FIELD_INVALID` when all of them together are too much */
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

/**
 * Reads for a batch, unless something did not fit into it; a payload that does not leave takes no room.
 * @throws SecretError `FIELD_INVALID` when this, or something before, does not fit; what the reading throws
 */
export function readInRoom(
  room: BatchRoom,
  read: () => ReadResult | Promise<ReadResult>,
): ReadResult | Promise<ReadResult> {
  room.assertFits();
  const result = read();
  return result instanceof Promise ? result.then((each) => admit(room, each)) : admit(room, result);
}

function admit(room: BatchRoom, result: ReadResult): ReadResult {
  // Others may have taken what was left while this was read.
  if (!room.isExceeded && !result.notModified) room.take(result.secret);
  room.assertFits();
  return result;
}

function secretOf(result: GuardedReadResult | undefined): Secret | undefined {
  if (result !== undefined && "error" in result) throw result.error;
  return result?.secret;
}
