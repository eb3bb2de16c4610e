import type { ClientCertificate } from "./client-certificate.js";

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
  readonly #retire: () => void;
  #isRetired = false;

  constructor({ id, peer, certificate, retire }: ConnectionFacts) {
    this.id = id;
    this.peer = peer;
    this.certificate = certificate;
    this.#retire = retire;
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
