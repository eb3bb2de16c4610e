import type { UrlConfig } from "./url-config.js";

/** What signs audit records, and where they go. */
export interface AuditConfig {
  readonly keyPath: string;
  /** At least one, and at least one that is required. */
  readonly sinks: readonly AuditSinkConfig[];
}

/** A place audit records go to. */
export type AuditSinkConfig = {
  /** Whether calls are refused while it cannot be written. */
  readonly required: boolean;
  /** How long it may take for a batch. */
  readonly deadlineMs: number;
} & AuditPlace;

/** Where one sink keeps or sends what it is given. */
export type AuditPlace =
  | { readonly kind: "stdout" }
  | AuditFileConfig
  | { readonly kind: "syslog"; readonly address: SyslogConfig }
  | AuditDatabaseConfig;

/** Where a syslog daemon listens. */
export type SyslogConfig =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** A file, and those that were put aside when it was long enough. */
export interface AuditFileConfig {
  readonly kind: "file";
  readonly path: string;
  /** How long a file gets before the next one is begun. */
  readonly rotateBytes: number;
  /** Whether another thread always writes to it, so that a disk that hangs holds up nothing. */
  readonly isIsolated: boolean;
  /** Where it is kept how far the trail is signed; undefined for nowhere. */
  readonly headPath: string | undefined;
}

/** A table in PostgreSQL. */
export interface AuditDatabaseConfig {
  readonly kind: "postgres";
  readonly url: UrlConfig;
  readonly schema: string;
  /** What tells this broker's records from another's; undefined for the id of its key. */
  readonly trail: string | undefined;
  /** What follows the trail's name where it is another process's than the broker's; empty for the broker's. */
  readonly suffix: string;
  /** Where it is kept how far the trail is signed; undefined for nowhere. */
  readonly headPath: string | undefined;
}
