import type { ClientCertificate } from "./client-certificate.js";
import { TokenHashes } from "./token-hashes.js";

/** What a connection is made of. */
export interface ConnectionFacts {
  /** Unlike that of any other connection of this process, ever. */
  readonly id: string;
  /** Where it comes from, for people: `127.0.0.1:4711`, or `unix`. */
  readonly peer: string;
  /** What its client proved in the handshake. */
  readonly certificate: ClientCertificate | undefined;
  /** Lets calls under way finish and makes the client connect again. */
  readonly retire: () => void;
}

/** One connection of a caller, as long as it lives. */
export class Connection implements Omit<ConnectionFacts, "retire"> {
  readonly id: string;
  readonly peer: string;
  readonly certificate: ClientCertificate | undefined;
  readonly tokenHashes: TokenHashes = new TokenHashes();
  readonly #retire: () => void;
  #isRetired = false;
  #isUsed = true;
  #openStreams = 0;
  #quietSinceMs = 0;

  constructor({ id, peer, certificate, retire }: ConnectionFacts) {
    this.id = id;
    this.peer = peer;
    this.certificate = certificate;
    this.#retire = retire;
  }

  /** A call came over it. */
  use(): void {
    this.#isUsed = true;
  }

  /** A stream came over it, which may say nothing for long; until it is closed the connection is in use. */
  hold(): void {
    this.#openStreams += 1;
  }

  /** A stream that was held is closed. */
  release(): void {
    this.#openStreams -= 1;
    this.#isUsed = true;
  }

  /**
   * For how long it has not been used, to be asked again and again: a call must not cost a look at the clock, so a use
   * counts when it is asked for.
   */
  quietMs(nowMs: number): number {
    if (this.#isUsed || this.#openStreams > 0) {
      this.#isUsed = false;
      this.#quietSinceMs = nowMs;
    }
    return nowMs - this.#quietSinceMs;
  }

  /**
   * Lets calls under way finish and makes the client connect again, once: a client that keeps a connection for months
   * would not notice otherwise that it has a new certificate.
   */
  retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    this.#retire();
  }
}
