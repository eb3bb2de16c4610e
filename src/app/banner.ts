import type { AuditSinkConfig, SyslogConfig } from "../config/audit-config.js";
import type { Config, ListenAddress } from "../config/config.js";
import type { Capability } from "../domain/capability.js";

/** What a started broker tells whoever started it. */
export interface BannerFacts {
  readonly config: Config;
  readonly managerName: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly addresses: readonly string[];
  readonly adminAddress: string | undefined;
}

/** A name nobody's secret is likely to have. */
const ownName = "MY_KEY";

const service = "secretbroker.v1.SecretBroker";

/** Where the broker listens, and three lines to paste into a shell that work as printed. */
export function formatBanner(facts: BannerFacts): string {
  const { config, managerName, addresses, adminAddress } = facts;
  return [
    `secret-broker serves ${managerName} (${config.keyManagement.accessMode})`,
    ...addresses.map((each, index) => `  gRPC     ${each}${isEncrypted(config.listen[index]) ? " (TLS)" : ""}`),
    ...(adminAddress === undefined ? [] : [`  metrics  ${adminUrl(adminAddress)}/metrics`]),
    ...config.audit.sinks.map((sink) => `  audit    ${placeOf(sink)}`),
    whoIsServed(config),
    ...grpcurlLines(facts).map((line) => `  ${line}`),
    "",
  ].join("\n");
}

function placeOf(sink: AuditSinkConfig): string {
  switch (sink.kind) {
    case "stdout":
      return "standard output";
    case "file":
      return sink.path;
    case "syslog":
      return `syslog at ${formatAddress(sink.address)}`;
    case "postgres":
      return `PostgreSQL, ${sink.schema}.audit_line`;
  }
}

function formatAddress(address: SyslogConfig): string {
  return address.kind === "unix" ? `unix:${address.path}` : `${address.host}:${String(address.port)}`;
}

function whoIsServed({ authentication, policies }: Config): string {
  if (authentication !== undefined) return "callers prove who they are, and what no policy allows is denied; try:";
  const rest = policies === undefined ? "" : ", and what no policy allows is denied";
  return `no authentication is configured, so only this machine is served${rest}; try:`;
}

function adminUrl(address: string): string {
  return address.startsWith("unix:") ? address : `http://${address}`;
}

/**
 * Three lines that work as they are: a secret of the reader's own is written, read and deleted, where every name may be
 * written. Otherwise nothing is touched, as the names that are there are somebody's.
 */
export function grpcurlLines({ config, capabilities, addresses }: BannerFacts): string[] {
  const { accessMode, hostedKeys } = config.keyManagement;
  const plain = addresses.find((_, index) => !isEncrypted(config.listen[index]));
  const address = plain ?? addresses[0] ?? "";
  const flags = guardFlags(config.listen[addresses.indexOf(address)]);
  const isOpen = accessMode === "read_and_write" && hostedKeys === undefined && config.policies === undefined;
  if (plain === undefined || !isOpen || !capabilities.has("write") || !capabilities.has("delete")) {
    const verbs = ["list", `describe ${service}`, "grpc.health.v1.Health/Check"];
    return verbs.map((verb) => (plain === undefined ? encrypted(address, verb) : grpcurl(address, verb)));
  }
  const call = (rpc: string, request: Readonly<Record<string, string>>): string =>
    grpcurl(address, `${service}/${rpc}`, `${flags}-d ${quoted(JSON.stringify(request))} `);
  return [
    call("WriteSecret", { name: ownName, text: "my-value" }),
    call("ReadSecret", { name: ownName }),
    call("DeleteSecret", { name: ownName }),
  ];
}

/** What an address that requires metadata is sent. */
function guardFlags(address: ListenAddress | undefined): string {
  return address?.requiresMetadata === true ? "-H 'x-secret-broker-request: true' " : "";
}

function isEncrypted(address: ListenAddress | undefined): boolean {
  return address?.kind === "tcp" && address.tls !== undefined;
}

/** The files are the caller's own, whose names nobody here knows. */
function encrypted(address: string, verb: string): string {
  return `grpcurl -cacert ca.crt -cert client.crt -key client.key ${address} ${verb}`;
}

function grpcurl(address: string, verb: string, flags = ""): string {
  const target = address.startsWith("unix:") ? `-unix ${quoted(address.slice("unix:".length))}` : address;
  return `grpcurl -plaintext ${flags}${target} ${verb}`;
}

/** Quotes for a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
