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
  async start(end: ChainEnd | undefined, time: string, torn?: TornBytes): Promise<Sealed> {
    const { chain, link, hash: previous } = end ?? { chain: randomUUID(), link: 0, hash: noHash };
    const prefix = signedPrefix({ kind: "start", chain, link: link + 1, time, previous, torn: torn?.length ?? 0 });
    const digest = createHash("sha256").update(`${previous}\n`);
    if (torn !== undefined) for await (const bytes of torn.read()) digest.update(bytes);
    return this.#sign("start", prefix, { chain, link: link + 1, hash: digest.update(prefix).digest("hex") });
  }

  /** @param lines whole lines of records, at least one */
  seal({ chain, link, hash: previous }: ChainEnd, lines: string): Sealed {
    const own = Buffer.from(`${previous}\n${batchPrefix(lines.slice(0, -1), link + 1)}`);
    const next = hash("sha256", own, "hex");
    const suffix = batchSuffix({ hash: next, mac: this.#key.mac(next) });
    const bytes = Buffer.concat([own.subarray(previous.length + 1), Buffer.from(`${suffix}\n`)]);
    return { bytes, end: { chain, link: link + 1, hash: next } };
  }

  /** Signs everything up to the end. */
  checkpoint({ chain, link, hash: previous }: ChainEnd, time: string): Sealed {
    const prefix = signedPrefix({ kind: "checkpoint", chain, link: link + 1, time, previous, torn: 0 });
    const next = hash("sha256", `${previous}\n${prefix}`, "hex");
    return this.#sign("checkpoint", prefix, { chain, link: link + 1, hash: next });
  }

  #sign(kind: "start" | "checkpoint", prefix: string, end: ChainEnd): Sealed {
    const signature = this.#key.sign({ kind, hash: end.hash });
    const suffix = signedSuffix({ hash: end.hash, key: this.#key.id, signature });
    return { bytes: Buffer.from(`${prefix}${suffix}\n`), end };
  }
}
