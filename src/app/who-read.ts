import { z } from "zod";
import { parseLink } from "../audit/chain-link.js";
import type { AuditConfig } from "../config/audit-config.js";
import type { Payload } from "../domain/payload.js";
import { readAuditKey } from "./audit-key-file.js";
import { reportTrails, type TrailReport } from "./audit-report.js";

/** Somebody who had a payload, or brought it. */
export interface PayloadUse {
  readonly name: string;
  readonly version: number | undefined;
  /** The generation. */
  readonly uid: string | undefined;
  readonly principal: string;
  /** `read` and `watch` released it; the others stored it. */
  readonly action: string;
  /** How many times. */
  calls: number;
  readonly firstTime: string;
  lastTime: string;
  /** Of the first call. */
  readonly requestId: string;
  /** Where the first call came from. */
  readonly peer: string;
}

/** Where a payload came up. */
export interface PayloadUses {
  readonly uses: readonly PayloadUse[];
  /** Whether what this is read from is whole. */
  readonly trails: readonly TrailReport[];
}

/** What of a record matters here. */
const recordSchema = z.object({
  time: z.string(),
  request_id: z.string(),
  principal: z.string(),
  peer: z.string(),
  action: z.string(),
  name: z.string().default(""),
  version: z.number().optional(),
  uid: z.string().optional(),
});

/** How many different uses are told apart. */
const maxUses = 100_000;

/**
 * Tells which secret a payload is, and who stored and who read it, by its keyed hash in the audit records.
 * @param payloads any of which it may be
 * @throws SecretError `CONFIG_INVALID`, `AUDIT_UNAVAILABLE`
 */
export async function findPayloadUses(config: AuditConfig, payloads: readonly Payload[]): Promise<PayloadUses> {
  const key = await readAuditKey(config.keyPath);
  const members = payloads.map((payload) => Buffer.from(`"payload_hash":"${key.payloadHash(payload)}"`));
  const found = new Map<string, Map<string, PayloadUse>>();
  const trails = await reportTrails(config, {
    keyPath: config.keyPath,
    openReader: (trail) => {
      const uses = new Map<string, PayloadUse>();
      found.set(trail, uses);
      return readerOf(uses, members);
    },
  });
  // The same records may be kept in several places.
  const places = trails.map(({ trail }) => found.get(trail) ?? new Map<string, PayloadUse>());
  return { uses: [...new Map(places.flatMap((uses) => [...uses])).values()].sort(byTime), trails };
}

/**
 * Notes what is in links only: of what a crash left behind nobody was answered, and anybody could have added it.
 * @param members any of which a record has that matters
 */
function readerOf(uses: Map<string, PayloadUse>, members: readonly Buffer[]): (line: Buffer) => void {
  // Since the last link.
  let found: Buffer[] = [];
  return (line) => {
    const isFound = members.some((member) => line.includes(member));
    if (!isFound && found.length === 0) return;
    const kind = parseLink(line.toString("utf8"))?.kind;
    if (isFound && found.length < maxUses) found.push(Buffer.from(line));
    if (kind === undefined) return;
    if (kind === "batch") for (const each of found) noteUse(uses, each);
    found = [];
  };
}

function noteUse(uses: Map<string, PayloadUse>, line: Buffer): void {
  const record = parseRecord(line.toString("utf8"));
  if (record === undefined) return;
  const { time, request_id: requestId, principal, peer, action, name, version, uid } = record;
  const key = JSON.stringify([name, version, uid, principal, action]);
  const known = uses.get(key);
  if (known !== undefined) {
    known.calls += 1;
    known.lastTime = time;
  } else if (uses.size < maxUses) {
    const facts = { name, version, uid, principal, action, requestId, peer };
    uses.set(key, { ...facts, calls: 1, firstTime: time, lastTime: time });
  }
}

function parseRecord(line: string): z.infer<typeof recordSchema> | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function byTime(a: PayloadUse, b: PayloadUse): number {
  return a.firstTime < b.firstTime ? -1 : Number(a.firstTime > b.firstTime);
}
