import type { JwtIssuerConfig } from "../config/jwt-config.js";
import { type KeyEvents, RemoteKeys } from "./jwks-remote.js";
import { FileKeys, type KeySource } from "./jwks-source.js";
import { JwtCallers } from "./jwt-callers.js";
import { JwtIssuer } from "./jwt-issuer.js";

/**
 * The keys of all issuers, through every change of the configuration: those whose place stays the same are not fetched
 * anew, so that a reload during an outage loses nothing.
 */
export class KeySources {
  readonly #events: KeyEvents;
  // what identifies a place → its keys
  #remote: ReadonlyMap<string, RemoteKeys> = new Map();
  #isOpen = false;

  constructor(events: KeyEvents) {
    this.#events = events;
  }

  /** Who calls with a token of these issuers; undefined for none. Their keys, and no others, are fetched from now on. */
  callersOf(issuers: readonly JwtIssuerConfig[]): JwtCallers | undefined {
    const remote = new Map<string, RemoteKeys>();
    const trusted = issuers.map(
      (config) => [config.issuer, new JwtIssuer(config, this.#sourceOf(config, remote))] as const,
    );
    for (const [place, keys] of this.#remote) if (!remote.has(place)) keys.close();
    this.#remote = remote;
    if (this.#isOpen) this.open();
    return trusted.length === 0 ? undefined : new JwtCallers(new Map(trusted));
  }

  /** Begins to fetch keys. Idempotent. */
  open(): void {
    this.#isOpen = true;
    for (const keys of this.#remote.values()) keys.open();
  }

  /** Ends every fetch. Idempotent. */
  close(): void {
    this.#isOpen = false;
    for (const keys of this.#remote.values()) keys.close();
  }

  #sourceOf({ issuer, keys: config }: JwtIssuerConfig, remote: Map<string, RemoteKeys>): KeySource {
    if (config.kind === "file") return new FileKeys(config.text);
    const place = JSON.stringify([issuer, config]);
    const keys = this.#remote.get(place) ?? new RemoteKeys({ issuer, config }, this.#events);
    remote.set(place, keys);
    return keys;
  }
}
