import { generateKeyPairSync } from "node:crypto";
import { type AuditKey, createAuditKey, createAuditVerifierOf } from "../../src/audit/audit-key.js";
import type { AuditTarget } from "../../src/audit/audit-target.js";
import { ChainedSink, type ChainHead } from "../../src/audit/chained-sink.js";
import { FileTarget } from "../../src/audit/file-target.js";
import { findTrailFiles } from "../../src/audit/trail-files.js";
import type { Verification } from "../../src/audit/verify-chain.js";
import { verifyFiles } from "../../src/audit/verify-files.js";
import type { ChainEnd } from "../../src/audit/chain-link.js";

/** A new key. */
export function newAuditKey(): AuditKey {
  return createAuditKey(generateKeyPairSync("ed25519").privateKey);
}

/** The key of all chains that are not given another. */
export const auditKey: AuditKey = newAuditKey();

/** What a chain is opened with, when it is not as others. */
export interface OpenChainOptions {
  readonly target?: AuditTarget;
  readonly key?: AuditKey;
  readonly head?: ChainHead | undefined;
  readonly rotateBytes?: number;
}

/** A chain in a file, and what it said of the file. */
export interface OpenedChain {
  readonly sink: ChainedSink;
  readonly target: AuditTarget;
  readonly findings: { readonly message: string; readonly isLoss: boolean }[];
}

/** Opens a chain in a real file. */
export async function openChain(path: string, options: OpenChainOptions = {}): Promise<OpenedChain> {
  const { rotateBytes = 1024 ** 3, target = new FileTarget(path, { rotateBytes }), key = auditKey, head } = options;
  const findings: OpenedChain["findings"] = [];
  const sink = new ChainedSink({ target, key, head, onFinding: (finding) => findings.push(finding) });
  return { sink: await sink.open(), target, findings };
}

/** Verifies all files of a trail. */
export async function verifyTrail(path: string, expected?: ChainEnd, key: AuditKey = auditKey): Promise<Verification> {
  const { own } = await findTrailFiles(path);
  return await verifyFiles(own, { verifier: createAuditVerifierOf(key), expected });
}
