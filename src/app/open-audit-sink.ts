import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import type { Writable } from "node:stream";
import { type AuditKey, createAuditVerifierOf } from "../audit/audit-key.js";
import type { AuditTarget } from "../audit/audit-target.js";
import { ChainedSink, type ChainHead } from "../audit/chained-sink.js";
import { DatabaseTarget } from "../audit/database-target.js";
import { FileTarget } from "../audit/file-target.js";
import { createStreamTarget } from "../audit/stream-target.js";
import { SyslogTarget } from "../audit/syslog-target.js";
import { otherTrailSuffix } from "../audit/trail-files.js";
import type { AuditConfig, AuditSinkConfig } from "../config/audit-config.js";
import { isSecretError, SecretError } from "../domain/secret-error.js";
import type { Log } from "../log/log.js";
import { auditDatabase } from "./audit-database.js";
import { createAuditFileHold } from "./audit-file-lock.js";
import { AuditHeadFile } from "./audit-head-file.js";

/** What a sink is opened with. */
export interface OpenAuditOptions {
  readonly key: AuditKey;
  readonly log: Log;
  /** Where records go that are meant for standard output. */
  readonly stdout?: { readonly stream: Writable; readonly name: string };
  /** Whether files are of a name of their own, so that no other process could want them. */
  readonly isGuest?: boolean;
  /** Told of everything that was lost of what was written. */
  readonly onLoss?: () => void;
}

/**
 * Opens a place audit records go to. One that is not required may be missing: it is tried again while the broker runs.
 * @throws SecretError `CONFIG_INVALID` when a file cannot be opened for appending, or another process has it
 */
export async function openAuditSink(config: AuditSinkConfig, options: OpenAuditOptions): Promise<ChainedSink> {
  const { key, log, onLoss } = options;
  const target = targetOf(config, options);
  const sink = new ChainedSink({
    ...{ target, key, head: headOf(config, options) },
    onFinding: ({ message, isLoss }) => {
      if (isLoss) onLoss?.();
      log[isLoss ? "error" : "warn"]({ sink: target.description }, message);
    },
  });
  return await opened(sink, target, config);
}

/**
 * A trail of its own beside a broker's, for work that is done in another process: two cannot write one chain.
 * @param work what it is, in small letters, such as `copy`
 */
export function ownAuditConfig(config: AuditConfig, work: string): AuditConfig {
  const id = randomBytes(4).toString("hex");
  const suffix = otherTrailSuffix(work, { time: new Date(), id });
  const own = (sink: AuditSinkConfig): AuditSinkConfig => {
    if (sink.kind === "postgres") return { ...sink, suffix, headPath: undefined };
    if (sink.kind !== "file" || isDevice(sink.path)) return sink;
    return { ...sink, path: `${sink.path}${suffix}`, headPath: undefined };
  };
  return { ...config, sinks: config.sinks.map(own) };
}

/** A pipe or a device has no chain that two could tear, and nothing beside it. */
function isDevice(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === false;
}

function targetOf(config: AuditSinkConfig, options: OpenAuditOptions): AuditTarget {
  switch (config.kind) {
    case "stdout": {
      const { stream, name } = options.stdout ?? { stream: process.stdout, name: "stdout" };
      return createStreamTarget(stream, name);
    }
    case "file":
      return new FileTarget(config.path, {
        rotateBytes: config.rotateBytes,
        isIsolated: config.isIsolated,
        hold: options.isGuest === true ? undefined : createAuditFileHold(options.log),
      });
    case "syslog": {
      const { address } = config;
      return new SyslogTarget(address.kind === "unix" ? { path: address.path } : address);
    }
    case "postgres":
      return new DatabaseTarget(auditDatabase(config, options.key.id, config.deadlineMs));
  }
}

function headOf(config: AuditSinkConfig, { key, log }: OpenAuditOptions): ChainHead | undefined {
  const path = "headPath" in config ? config.headPath : undefined;
  if (path === undefined) return undefined;
  return new AuditHeadFile(path, createAuditVerifierOf(key), (thrown) => {
    const message = "how far the audit trail is signed cannot be kept; a trail that loses its end may pass for whole";
    log.error({ path }, message, { thrown });
  });
}

async function opened(
  sink: ChainedSink,
  target: AuditTarget,
  { kind, required }: AuditSinkConfig,
): Promise<ChainedSink> {
  try {
    return await sink.open();
  } catch (cause) {
    const isMistake = isSecretError(cause) && cause.reason === "CONFIG_INVALID";
    // A daemon or a database may come later; calls are refused until then where it is required.
    if (!isMistake && (!required || kind !== "file")) return sink;
    await target.close();
    if (isMistake) throw cause;
    const message = `cannot append to the audit file "${target.description}"; check that it and its directory can be read and written`;
    throw new SecretError("CONFIG_INVALID", message, { cause });
  }
}
