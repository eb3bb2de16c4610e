import { setTimeout as delay } from "node:timers/promises";
import type { AuditVerifier } from "../audit/audit-key.js";
import type { ChainEnd } from "../audit/chain-link.js";
import type { Verification } from "../audit/verify-chain.js";
import type { AuditConfig, AuditSinkConfig } from "../config/audit-config.js";
import { SecretError } from "../domain/secret-error.js";
import { readAuditHead } from "./audit-head-file.js";
import { openAuditVerifier } from "./audit-key-file.js";
import { type KeptTrail, keptTrail, trailsBeside } from "./verify-audit.js";

/** What was found of one trail. */
export interface TrailReport extends Verification {
  /** A file's path, or a table. */
  readonly trail: string;
  /** Whether what should say how far the trail is signed does not; then nobody can tell that its end is missing. */
  readonly headMissing: boolean;
}

/** What is verified. */
export interface ReportOptions {
  /** The private key, or the public one. */
  readonly keyPath: string;
  /** Leaves out files that end before. */
  readonly from?: Date | undefined;
  /** Asked, each time the reading of a trail begins, for what is shown its lines. */
  readonly openReader?: ((trail: string) => (line: Buffer) => void) | undefined;
}

/** A broker that serves writes on, so what looks torn at the end may be whole a moment later. */
const maxAttempts = 5;
const retryMs = 200;

/**
 * Verifies everything that is kept of a configuration's audit records, also beside a broker that writes on: its trail
 * in each place, and those that other commands wrote beside it.
 * @throws SecretError `CONFIG_INVALID` when nothing is kept, or the key is missing; `AUDIT_UNAVAILABLE` when it cannot be read
 */
export async function reportTrails(
  { sinks }: Pick<AuditConfig, "sinks">,
  options: ReportOptions,
): Promise<readonly TrailReport[]> {
  const verifier = await openAuditVerifier(options.keyPath);
  const reports: TrailReport[] = [];
  for (const sink of sinks) {
    const trail = keptTrail(sink, verifier.id);
    if (trail === undefined) continue;
    const expected = await knownEnd(sink, verifier);
    const headMissing = headPathOf(sink) !== undefined && expected === undefined;
    reports.push(await report(trail, { ...options, verifier, expected, headMissing }));
    for (const other of await othersBeside(sink, trail, verifier))
      reports.push(await report(other, { ...options, verifier, isOther: true }));
  }
  if (reports.length > 0) return reports;
  const message = "no audit records are kept here; verify them where their sink keeps them";
  throw new SecretError("CONFIG_INVALID", message);
}

interface TrailOptions extends ReportOptions {
  readonly verifier: AuditVerifier;
  readonly expected?: ChainEnd | undefined;
  readonly headMissing?: boolean;
  /** Whether another process wrote it; one that was killed at once may have left nothing in it. */
  readonly isOther?: boolean;
}

async function report(
  trail: KeptTrail,
  { openReader, headMissing = false, isOther = false, ...options }: TrailOptions,
): Promise<TrailReport> {
  const { description } = trail;
  try {
    for (let attempt = 1; ; attempt += 1) {
      const verified = await trail.verify({ ...options, onLine: openReader?.(description) });
      const found = isOther ? verified : begun(verified, description);
      if (found.faults.length === 0 || attempt === maxAttempts) return { trail: description, headMissing, ...found };
      await delay(retryMs);
    }
  } catch (cause) {
    throw unreadable(description, cause);
  }
}

/** Every file of a broker's, and every table's trail, begins with a start; what has none passes for nothing. */
function begun(found: Verification, file: string): Verification {
  if (found.end !== undefined || found.faults.length > 0) return found;
  const message = "there is no start: no broker wrote here, or everything was cut off";
  return { ...found, faults: [{ file, line: 1, message }] };
}

async function knownEnd(sink: AuditSinkConfig, verifier: AuditVerifier): Promise<ChainEnd | undefined> {
  const path = headPathOf(sink);
  return path === undefined ? undefined : await readAuditHead(path, verifier);
}

function headPathOf(sink: AuditSinkConfig): string | undefined {
  return "headPath" in sink ? sink.headPath : undefined;
}

async function othersBeside(
  sink: AuditSinkConfig,
  { description }: KeptTrail,
  { id }: AuditVerifier,
): Promise<readonly KeptTrail[]> {
  try {
    return await trailsBeside(sink, id);
  } catch (cause) {
    throw unreadable(description, cause);
  }
}

function unreadable(trail: string, cause: unknown): SecretError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const why = readProblems[code] ?? `cannot be read${code === "" ? "" : ` (${code})`}`;
  return new SecretError("AUDIT_UNAVAILABLE", `the audit trail ${trail} ${why}`, { cause });
}

/** Why a file cannot be read, by the system's code. */
const readProblems: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  EACCES: "cannot be read: this user may not",
  EPERM: "cannot be read: this user may not",
  EINVAL: "cannot be read: it is no regular file",
};
