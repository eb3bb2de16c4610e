import type { SecretName } from "../../domain/secret-name.js";

/** Who wants to hear of changes, and of which. */
export interface FeedListener {
  /** One of the names it covers may have changed; `revision` is 0n where none are kept. */
  changed(name: SecretName, revision: bigint): void;
  /** Anything it covers may have changed. */
  allChanged(): void;
}

/** What a listener covers. */
export interface Coverage {
  readonly names: ReadonlySet<SecretName>;
  readonly prefixes: ReadonlySet<string>;
}

/**
 * Hears of changes from a manager, once for everybody who watches. It says that something may have changed, and never
 * what it is now: whoever is told reads that under rights of his own.
 */
export interface ChangeFeed {
  /** Whether the manager tells by itself, and is asked for nothing. */
  readonly isTold: boolean;
  /** How often the manager, or whoever that one hears of changes from, is asked; undefined when all tell by themselves. */
  readonly pollIntervalMs: number | undefined;
  /** The revision everything has been told up to; 0n where none are kept. */
  readonly revision: bigint;
  /** When everything that had changed by then had been told, in milliseconds since the epoch. */
  readonly currentAtMs: number;
  /** Adds a listener, whose coverage may grow and shrink until it leaves. Returns its end. */
  join(listener: FeedListener, coverage: Coverage): () => void;
  /** Adds a listener that is told of what others cover, and has the manager asked for nothing. Returns its end. */
  overhear(listener: FeedListener): () => void;
  /**
   * Resolves once every later change will be told.
   * @throws SecretError `MANAGER_UNAVAILABLE` and whatever the manager fails with
   */
  ready(): Promise<void>;
  /** The names that changed after a revision, up to the one it returns with them. @throws SecretError `REVISION_COMPACTED` */
  changesAfter(revision: bigint, signal: AbortSignal): Promise<ChangedNames>;
  /** Hears no more. */
  close(): void;
}

/** What changed up to a revision. */
export interface ChangedNames {
  readonly names: ReadonlySet<SecretName>;
  readonly revision: bigint;
}

/** Whether a name is covered. */
export function covers({ names, prefixes }: Coverage, name: SecretName): boolean {
  if (names.has(name)) return true;
  for (const prefix of prefixes) if (name.startsWith(prefix)) return true;
  return false;
}
