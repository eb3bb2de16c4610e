import type { TornBytes } from "./audit-chain.js";
import type { ChainEnd, Link } from "./chain-link.js";

/** What a target ends with, so that a chain can go on there. */
export interface Continuation {
  /** The last link there; undefined where there is none. */
  readonly end: ChainEnd | undefined;
  /** The same link as it stands there, whoever wrote it. */
  readonly last?: Link | undefined;
  /** What stands after it. */
  readonly torn: TornBytes | undefined;
}

/** A place that takes bytes one after the other, and nothing else. */
export interface AuditTarget {
  /** What it is, for messages. */
  readonly description: string;
  /** Whether what is opened goes on where what was written before ended; a stream begins anew. */
  readonly isKept: boolean;
  /** How far it is written: a file's bytes, a table's last position. */
  readonly bytes: number;
  /** Opens it, anew if it is open. */
  open(): Promise<Continuation>;
  /** Appends whole lines; after a rejection only {@link AuditTarget.open} tells what is there. */
  append(bytes: Buffer): Promise<void>;
  /** Whether it is no longer what was written to, in words, and whether somebody may have meddled with it. */
  check(): Promise<TargetChange | undefined>;
  /** Puts what is there aside if there is enough of it, so that the next opening begins another; tells whether it did. */
  rotate(lastLink: number): Promise<boolean>;
  close(): Promise<void>;
}

/** What has become of a target behind the broker's back. */
export interface TargetChange {
  /** Such as `the audit file was deleted`. */
  readonly what: string;
  readonly isLoss: boolean;
}
