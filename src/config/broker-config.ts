import { resolve } from "node:path";
import type { BrokerSection } from "./broker-schema.js";
import type { AuditConfig, Config, ListenAddress } from "./config.js";
import type { ConfigProblems } from "./config-problems.js";
import { parseListenAddress } from "./listen-address.js";
import type { SettingPath } from "./yaml-source.js";

/** Addresses that replace the file's, from the command line. */
export interface ListenOverride {
  readonly listen: readonly string[];
  /** What a relative path of a socket is relative to. */
  readonly directory: string;
}

/** What the section's own texts are read with. */
export interface BrokerConfigContext {
  readonly directory: string;
  readonly override: ListenOverride | undefined;
}

/** The part of a configuration that comes from our own section. */
export type OwnConfig = Omit<Config, "file" | "manager" | "keyManagement">;

/** Takes our own section for a configuration, noting what its texts get wrong. */
export function brokerConfig(
  problems: ConfigProblems,
  section: BrokerSection,
  context: BrokerConfigContext,
): OwnConfig | undefined {
  const { limits, timeouts } = section;
  const audit = auditConfig(problems, section.audit, context.directory);
  const listen = listenAddresses(problems, section.listen, context);
  const admin = adminAddress(problems, section.admin.listen, context.directory);
  if (audit === undefined) return undefined;
  return {
    listen,
    adminListen: admin,
    audit,
    logLevel: section.log.level,
    limits: {
      maxPayloadBytes: limits.max_payload,
      maxMetadataBytes: limits.max_metadata,
      maxConcurrentStreams: limits.max_concurrent_streams,
      batchConcurrency: limits.batch_concurrency,
    },
    timeouts: {
      defaultDeadlineMs: timeouts.default_deadline,
      drainMs: timeouts.drain,
      healthIntervalMs: timeouts.health_interval,
    },
    metricsSecretNames: section.metrics.secret_names,
  };
}

function listenAddresses(
  problems: ConfigProblems,
  listen: BrokerSection["listen"],
  { directory, override }: BrokerConfigContext,
): ListenAddress[] {
  const path = ["secret_broker", "listen"];
  const given =
    typeof listen === "string"
      ? [{ text: listen, path }]
      : listen.map((text, index) => ({ text, path: [...path, index] }));
  const fromFile = given.flatMap((each) => address(problems, each, directory));
  if (override === undefined) return fromFile;
  return override.listen.flatMap((text) => {
    const parsed = parseListenAddress(text, override.directory);
    if ("address" in parsed) return [parsed.address];
    problems.refuseOption("--listen", parsed.problem);
    return [];
  });
}

function adminAddress(problems: ConfigProblems, text: string, directory: string): ListenAddress | undefined {
  return text === "off"
    ? undefined
    : address(problems, { text, path: ["secret_broker", "admin", "listen"] }, directory)[0];
}

function address(
  problems: ConfigProblems,
  { text, path }: { readonly text: string; readonly path: SettingPath },
  directory: string,
): ListenAddress[] {
  const parsed = parseListenAddress(text, directory);
  if ("address" in parsed) return [parsed.address];
  problems.refuse(path, parsed.problem);
  return [];
}

function auditConfig(
  problems: ConfigProblems,
  { sink, path }: BrokerSection["audit"],
  directory: string,
): AuditConfig | undefined {
  if (sink === "file" && path !== undefined) return { sink, path: resolve(directory, path) };
  if (sink === "stdout" && path === undefined) return { sink };
  const message =
    sink === "file"
      ? 'is missing; "sink: file" needs the file to append to'
      : 'is not used; set "sink: file" or remove it';
  problems.refuse(["secret_broker", "audit", "path"], message);
  return undefined;
}
