import { createHash, hash, randomUUID } from "node:crypto";
import type { AuditKey } from "./audit-key.js";
import { batchPrefix, batchSuffix, type ChainEnd, noHash, signedPrefix, signedSuffix } from "./chain-link.js";

/** Whole lines that end with a link, and the chain's end once they are written. */
export interface Sealed {
  readonly bytes: Buffer;
  readonly end: ChainEnd;
}

/** What stands in a file after its last link, as a write that was torn leaves it. */
export interface TornBytes {
  readonly length: number;
  read(): AsyncIterable<Buffer>;
}

/** What a start says beside what it builds on. */
export interface StartFacts {
  readonly time: string;
  readonly torn?: TornBytes | undefined;
  /** Whether what it builds on was written and is gone. */
  readonly isAfterLoss?: boolean;
}

/** More than the members take that a batch's last line ends with. */
const maxBatchMembersLength = 256;

/** Links batches of records, and signs. Keeps no state: whoever writes goes on from the end it has written. */
export class AuditChain {
  readonly #key: AuditKey;

  constructor(key: AuditKey) {
    this.#key = key;
  }

  /**
   * The first line of a file, or of what follows a tear.
   * @param end what the chain goes on from; undefined for a new one
   */
  async start(end: ChainEnd | undefined, { time, torn, isAfterLoss = false }: StartFacts): Promise<Sealed> {
    const { chain, link, hash: previous } = end ?? { chain: randomUUID(), link: 0, hash: noHash };
    const facts = { time, previous, torn: torn?.length ?? 0, isAfterLoss };
    const prefix = signedPrefix({ kind: "start", chain, link: link + 1, ...facts });
    const digest = createHash("sha256").update(`${previous}\n`);
    if (torn !== undefined) for await (const bytes of torn.read()) digest.update(bytes);
    return this.#sign("start", prefix, { chain, link: link + 1, hash: digest.update(prefix).digest("hex") });
  }

  /** @param lines whole lines of records, at least one; they are copied */
  seal({ chain, link, hash: previous }: ChainEnd, lines: Buffer): Sealed {
    // The previous hash is hashed with the lines, and not written; so all of it lies in one piece of memory.
    const whole = Buffer.allocUnsafe(previous.length + lines.length + maxBatchMembersLength);
    const start = whole.write(`${previous}\n`, "latin1");
    // Without the last line's closing brace and its end.
    let length = start + lines.copy(whole, start, 0, lines.length - 2);
    length += whole.write(batchPrefix(link + 1), length, "latin1");
    const next = hash("sha256", whole.subarray(0, length), "hex");
    const suffix = batchSuffix({ hash: next, mac: this.#key.mac(next) });
    length += whole.write(`${suffix}\n`, length, "latin1");
    return { bytes: whole.subarray(start, length), end: { chain, link: link + 1, hash: next } };
  }

  /** Signs everything up to the end. */
  checkpoint({ chain, link, hash: previous }: ChainEnd, time: string): Sealed {
    const facts = { time, previous, torn: 0, isAfterLoss: false };
    const prefix = signedPrefix({ kind: "checkpoint", chain, link: link + 1, ...facts });
    const next = hash("sha256", `${previous}\n${prefix}`, "hex");
    return this.#sign("checkpoint", prefix, { chain, link: link + 1, hash: next });
  }

  #sign(kind: "start" | "checkpoint", prefix: string, end: ChainEnd): Sealed {
    const signature = this.#key.sign({ kind, hash: end.hash });
    const suffix = signedSuffix({ hash: end.hash, key: this.#key.id, signature });
    return { bytes: Buffer.from(`${prefix}${suffix}\n`), end };
  }
}
