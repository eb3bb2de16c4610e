import type { AuditVerifier } from "../audit/audit-key.js";
import { databaseLines, type DatabasePlace, databaseTrails } from "../audit/database-target.js";
import type { ChainEnd } from "../audit/chain-link.js";
import { findTrailFiles, isOtherTrail } from "../audit/trail-files.js";
import { ChainVerifier, type Verification } from "../audit/verify-chain.js";
import { verifyFiles } from "../audit/verify-files.js";
import type { AuditSinkConfig } from "../config/audit-config.js";
import { auditDatabase } from "./audit-database.js";

/** How a trail is verified. */
export interface VerifyTrailOptions {
  readonly verifier: AuditVerifier;
  /** A link that must be there. */
  readonly expected?: ChainEnd | undefined;
  /** How far to look at the newest file, or the table; to the end unless given. */
  readonly upTo?: number | undefined;
  /** Leaves out files that end before. */
  readonly from?: Date | undefined;
  /** Shown every line. */
  readonly onLine?: ((line: Buffer) => void) | undefined;
}

/** A trail that can be read back. */
export interface KeptTrail {
  readonly description: string;
  /** @throws Error the system's or the database's, when it cannot be read */
  verify(options: VerifyTrailOptions): Promise<Verification>;
}

/** Reading a table has no caller that waits. */
const readTimeoutMs = 60_000;

/** What is kept of a sink; undefined for one that only passes on. @param keyId of the key it is written with */
export function keptTrail(config: AuditSinkConfig, keyId: string): KeptTrail | undefined {
  switch (config.kind) {
    case "stdout":
    case "syslog":
      return undefined;
    case "file":
      return fileTrail(config.path);
    case "postgres":
      return databaseTrail(auditDatabase(config, keyId, readTimeoutMs));
  }
}

/**
 * The trails that other processes wrote beside a broker's, each a chain of its own.
 * @throws Error the system's or the database's, when they cannot be looked for
 */
export async function trailsBeside(config: AuditSinkConfig, keyId: string): Promise<readonly KeptTrail[]> {
  if (config.kind === "file") return (await findTrailFiles(config.path)).others.map(fileTrail);
  if (config.kind !== "postgres") return [];
  const own = auditDatabase(config, keyId, readTimeoutMs);
  const others = (await databaseTrails(own)).filter((name) => isOtherTrail(name, own.trail));
  return others.map((name) => {
    const suffix = name.slice(own.trail.length);
    return databaseTrail(auditDatabase({ ...config, suffix }, keyId, readTimeoutMs));
  });
}

/** The trail whose newest file is at a path. */
function fileTrail(path: string): KeptTrail {
  return {
    description: path,
    verify: async ({ from, upTo, ...options }) => {
      const { own } = await findTrailFiles(path, from);
      return await verifyFiles(own, { ...options, lastFileBytes: upTo });
    },
  };
}

function databaseTrail(place: DatabasePlace): KeptTrail {
  const { description } = place;
  return {
    description,
    verify: async ({ verifier, expected, upTo, onLine }) => {
      const following = new ChainVerifier(verifier, expected);
      for await (const { position, line } of databaseLines(place, upTo)) {
        const bytes = Buffer.from(line);
        following.take(bytes, { file: description, line: position });
        onLine?.(bytes);
      }
      return following.finish();
    },
  };
}
