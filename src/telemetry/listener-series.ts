import { Gauge, type Registry } from "prom-client";

/** What listeners tell at every scrape. */
export interface ListenerGauges {
  /** Open connections of all addresses, those in their handshake too. */
  connections(): number;
  /** The certificates in force, one for each encrypted address. */
  certificates(): readonly ServedCertificate[];
}

/** The certificate of an address. */
export interface ServedCertificate {
  /** As a client dials it. */
  readonly address: string;
  /** In milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** Registers what listeners tell. */
export function registerListeners(registry: Registry, listeners: ListenerGauges): void {
  const registers = [registry];
  new Gauge({
    name: "secret_broker_connections",
    help: "Open connections, those in their handshake too.",
    registers,
    collect() {
      this.set(listeners.connections());
    },
  });
  new Gauge({
    name: "secret_broker_certificate_expiry_timestamp_seconds",
    help: "When the certificate that an address serves expires, in seconds since the epoch.",
    labelNames: ["address"],
    registers,
    collect() {
      this.reset();
      for (const { address, expiresAtMs } of listeners.certificates()) this.set({ address }, expiresAtMs / 1_000);
    },
  });
}
