import type { AuditConfig } from "./audit-config.js";
import type { AuthenticationConfig } from "./authentication-config.js";
import type { BreakerConfig, CacheConfig } from "./cache-config.js";
import type { LimitsConfig } from "./limits-config.js";
import type { UrlConfig } from "./url-config.js";
import type { PolicyConfig, PrincipalConfig } from "./policies-config.js";
import type { Tags } from "../domain/secret.js";

/** The kinds of manager a configuration can choose. */
export const managerKinds = [
  "module",
  "memory",
  "environment",
  "sqlite",
  "postgres",
  "process",
  "remote",
  "upstream",
] as const;

/** One of {@link managerKinds}. */
export type ManagerKind = (typeof managerKinds)[number];

/** Which manager stands behind the broker, with its settings. */
export type ManagerConfig =
  | ModuleConfig
  | { readonly kind: "memory" }
  | { readonly kind: "environment"; readonly prefix: string }
  | StoreConfig
  | ProcessConfig
  | RemoteConfig
  | UpstreamConfig;

/** A class of the user's. */
export interface ModuleConfig {
  readonly kind: "module";
  readonly classPath: string;
  readonly directory: string;
  /** What runs a class in Python, where that is said. */
  readonly python?: PythonConfig | undefined;
}

/** What runs classes in Python. */
export interface PythonConfig {
  readonly interpreter: string;
  /** The variables of the broker's that are handed on, besides those every interpreter wants. */
  readonly environment: readonly string[];
}

/** A manager in a process that the broker starts. */
export interface ProcessConfig {
  readonly kind: "process";
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Where it is started. */
  readonly directory: string;
  /** The variables of the broker's that are handed on; it gets no others. */
  readonly environment: readonly string[];
  /** How many of it are started. */
  readonly instances: number;
  /** How long it may take until it can be asked. */
  readonly startTimeoutMs: number;
}

/** A manager in a process that somebody else starts. */
export interface RemoteConfig {
  readonly kind: "remote";
  /** At least one. Loopback or a Unix socket, unless there is TLS. */
  readonly addresses: readonly ListenAddress[];
  readonly tls: RemoteTlsConfig | undefined;
  readonly startTimeoutMs: number;
}

/** Another broker, or several that serve the same secrets. */
export interface UpstreamConfig {
  readonly kind: "upstream";
  /** At least one, in the order they are tried. Loopback or a Unix socket, unless there is TLS. */
  readonly addresses: readonly ListenAddress[];
  readonly tls: RemoteTlsConfig | undefined;
  /** Holds the token that proves who this broker is. */
  readonly tokenPath: string | undefined;
  /** Undefined where nothing outlasts a restart. */
  readonly snapshot?: UpstreamSnapshotConfig | undefined;
}

/** What is kept of another broker's answers for a start while it is away. */
export interface UpstreamSnapshotConfig {
  readonly path: string;
  readonly encryption: EncryptionConfig;
}

/** How a connection to a manager is encrypted, and both ends proven. */
export interface RemoteTlsConfig {
  /** Who signs the manager's certificate; those the system trusts when undefined. */
  readonly caPath: string | undefined;
  /** The broker's own certificate and key, both or neither. */
  readonly certificatePath: string | undefined;
  readonly keyPath: string | undefined;
}

/** A manager that keeps secrets encrypted in a store. */
export type StoreConfig = SqliteConfig | PostgresConfig;

/** A store in a file. */
export interface SqliteConfig {
  readonly kind: "sqlite";
  readonly path: string;
  readonly encryption: EncryptionConfig;
}

/** A store in PostgreSQL. */
export interface PostgresConfig {
  readonly kind: "postgres";
  readonly url: UrlConfig;
  readonly schema: string;
  readonly maxConnections: number;
  readonly statementTimeoutMs: number;
  readonly encryption: EncryptionConfig;
}

/** Where the key of a store is. */
export type EncryptionConfig =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "environment"; readonly variable: string }
  | PassphraseConfig
  | { readonly kind: "kms"; readonly socket: string };

/** Where a passphrase is. */
export type PassphraseConfig =
  { readonly kind: "passphrase"; readonly path: string } | { readonly kind: "passphrase"; readonly variable: string };

/** The seed's access modes. */
export const accessModes = ["read_only", "write_only", "read_and_write"] as const;

/** One of {@link accessModes}. */
export type AccessMode = (typeof accessModes)[number];

/** The seed's `key_management_settings`, the outer bound of the access policy. */
export interface KeyManagementSettings {
  readonly accessMode: AccessMode;
  /** The only names the manager is asked for; undefined for all. */
  readonly hostedKeys: readonly string[] | undefined;
  readonly storeVirtualKeys: boolean;
  /** As configured, without a "/" added. */
  readonly virtualKeyPrefix: string;
  /** For stored virtual keys. */
  readonly description: string | undefined;
  /** For stored virtual keys. */
  readonly tags: Tags | undefined;
}

/** Where to listen. */
export type ListenAddress = (
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls?: TlsConfig }
  | {
      readonly kind: "unix";
      readonly path: string;
      readonly workload?: WorkloadConfig;
      /** Who else may connect, as the bits of a file's mode; the owner alone unless given. */
      readonly mode?: number;
    }
) & {
  /** Whether every call must carry the metadata that nothing but a client of the broker sends. */
  readonly requiresMetadata?: true;
};

/** Which clients of a listener show a certificate. */
export const clientCertificateModes = ["none", "optional", "required"] as const;

/** How an address is encrypted; the files are absolute paths. */
export interface TlsConfig {
  readonly certificate: string;
  readonly key: string;
  /** Undefined exactly where clients show no certificate. */
  readonly clientCa: string | undefined;
  readonly clientCertificates: (typeof clientCertificateModes)[number];
}

/** Whose a socket is. */
export interface WorkloadConfig {
  readonly principal: string;
  readonly groups: readonly string[];
}

/** The levels of the log. */
export const logLevels = ["error", "warn", "info", "debug", "trace"] as const;

/** One of {@link logLevels}. */
export type LogLevel = (typeof logLevels)[number];

/** Times of the server. */
export interface TimeoutsConfig {
  /** The deadline of a call that carries none. */
  readonly defaultDeadlineMs: number;
  /** How long a stop waits for calls to finish. */
  readonly drainMs: number;
  /** Between two health checks of the manager. */
  readonly healthIntervalMs: number;
  /** How long a watcher is told nothing at most. */
  readonly watchHeartbeatMs: number;
  /** How often a manager that tells of no changes is asked for what is watched. */
  readonly watchPollMs: number;
}

/** One config.yaml, checked, with every default filled in and every path absolute. */
export interface Config {
  /** The file it came from. */
  readonly file: string;
  readonly manager: ManagerConfig;
  readonly keyManagement: KeyManagementSettings;
  /** At least one. */
  readonly listen: readonly ListenAddress[];
  /** Metrics and health over HTTP; undefined when switched off. */
  readonly adminListen: ListenAddress | undefined;
  readonly audit: AuditConfig;
  readonly logLevel: LogLevel;
  readonly limits: LimitsConfig;
  readonly timeouts: TimeoutsConfig;
  readonly cache: CacheConfig;
  /** Undefined where the manager is always asked. */
  readonly breaker: BreakerConfig | undefined;
  /** Whether metrics carry secrets' names as a label, bounded to 1,000 names. */
  readonly metricsSecretNames: boolean;
  /** Who may do what; undefined where everyone who can connect may do what the access mode and hosted keys allow. */
  readonly policies: readonly PolicyConfig[] | undefined;
  /** Files and directories with more of them, whose policies are among the others already. Absolute. */
  readonly policyFiles: readonly string[];
  readonly principals: readonly PrincipalConfig[];
  /** Undefined where whoever can connect is `local`. */
  readonly authentication: AuthenticationConfig | undefined;
  /** The file that freezes are kept in. */
  readonly freezesPath: string;
}
