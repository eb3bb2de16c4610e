import type { AuditKey } from "./audit-key.js";
import { AuditChain, type Sealed } from "./audit-chain.js";
import type { AuditSink } from "./audit-sink.js";
import type { AuditTarget, Continuation } from "./audit-target.js";
import type { ChainEnd, Link } from "./chain-link.js";
import { IsoClock } from "./iso-clock.js";

/** Remembers how far a chain was signed, apart from what was written. */
export interface ChainHead {
  /** Undefined when nothing is remembered. */
  load(): Promise<ChainEnd | undefined>;
  /** Takes a signed link's line to remember; nobody waits for it. */
  save(line: Buffer): void;
  /** Resolves when what was saved last is remembered, or cannot be. */
  settled(): Promise<void>;
}

/** What a chained sink works with. */
export interface ChainedSinkOptions {
  readonly target: AuditTarget;
  readonly key: AuditKey;
  readonly head?: ChainHead | undefined;
  /** Told what has become of what was written: a loss that somebody must look into, or a note. */
  readonly onFinding: (finding: { readonly message: string; readonly isLoss: boolean }) => void;
}

/** How far a target was written. */
export interface ChainPosition {
  readonly end: ChainEnd | undefined;
  /** How many bytes the target has up to there. */
  readonly bytes: number;
  /** How often it was opened: another number, another file perhaps. */
  readonly opened: number;
}

/** Whether what was written should be in what is opened, was moved away, or is known and was told to be lost. */
type Written = "there" | "moved" | "lost";

/** What a start builds on. */
interface Basis {
  readonly end: ChainEnd | undefined;
  /** Whether that is known to have been written and is gone. */
  readonly isAfterLoss: boolean;
}

/** Writes records as a chain: each batch is linked to the one before it, and about once a second all of it is signed. */
export class ChainedSink implements AuditSink {
  readonly description: string;
  readonly #options: ChainedSinkOptions;
  readonly #chain: AuditChain;
  readonly #clock = new IsoClock();
  /** What is known of the chain, whatever became of the target. */
  #end: ChainEnd | undefined;
  /** How many bytes the target has up to the end. */
  #bytes = 0;
  #opened = 0;
  #isOpen = false;
  /** Whether the target could be opened the last time. */
  #hasTarget = false;
  #signedLink = 0;
  #canRotate = true;

  constructor(options: ChainedSinkOptions) {
    this.description = options.target.description;
    this.#options = options;
    this.#chain = new AuditChain(options.key);
  }

  /** How far it has written. */
  get position(): ChainPosition {
    return { end: this.#end, bytes: this.#bytes, opened: this.#opened };
  }

  /**
   * Opens the target and begins or goes on. A target that is there and cannot be written, such as a full disk, is tried
   * again with each write.
   * @throws Error the system's
   */
  async open(): Promise<this> {
    this.#end ??= await this.#options.head?.load();
    try {
      await this.#begin("there");
    } catch (error) {
      if (!this.#hasTarget) throw error;
    }
    return this;
  }

  async write(lines: Buffer): Promise<void> {
    if (!this.#isOpen) await this.#begin("there");
    if (this.#end !== undefined) await this.#append(this.#chain.seal(this.#end, lines));
  }

  async tend(): Promise<void> {
    const { target, onFinding } = this.#options;
    const change = this.#isOpen ? await target.check() : undefined;
    if (change !== undefined) {
      onFinding({ message: `${change.what}; it is begun anew`, isLoss: change.isLoss });
      await this.#begin(change.isLoss ? "lost" : "moved");
    } else if (!this.#isOpen) {
      await this.#begin("there");
    }
    await this.#checkpoint();
    if (this.#end !== undefined && (await this.#rotate(this.#end.link))) await this.#begin("moved");
  }

  async close(): Promise<void> {
    try {
      if (this.#isOpen) await this.#checkpoint();
    } finally {
      this.#isOpen = false;
      await this.#options.target.close();
      await this.#options.head?.settled();
    }
  }

  /** A file that cannot be put aside is no reason to refuse calls: it gets longer. */
  async #rotate(lastLink: number): Promise<boolean> {
    const { target, onFinding } = this.#options;
    try {
      const hasRotated = await target.rotate(lastLink);
      this.#canRotate = true;
      return hasRotated;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
      const message = `the audit file cannot be put aside (${code}) and gets longer than it should; check the rights of its directory`;
      if (this.#canRotate) onFinding({ message, isLoss: false });
      this.#canRotate = false;
      return false;
    }
  }

  /** @param written what is known of what was written before */
  async #begin(written: Written): Promise<void> {
    const { target } = this.#options;
    this.#isOpen = false;
    this.#opened += 1;
    this.#hasTarget = false;
    const found = await target.open();
    this.#hasTarget = true;
    const { end, isAfterLoss } = this.#basisIn(found, written);
    await this.#appendSigned(await this.#chain.start(end, { time: this.#clock.now(), torn: found.torn, isAfterLoss }));
    this.#isOpen = true;
  }

  #basisIn({ end: found, last }: Continuation, written: Written): Basis {
    const { target, key, onFinding } = this.#options;
    if (last !== undefined && !isWrittenWith(key, last)) {
      // What is known, or a chain of its own: to go on from somebody else's link would be to sign it.
      const message = `link ${String(last.link)} at the end of the audit trail is not this broker's: somebody else wrote it, or the key is another`;
      onFinding({ message, isLoss: true });
      return { end: this.#end, isAfterLoss: this.#end !== undefined };
    }
    return target.isKept ? this.#goOnFrom(found, written) : { end: undefined, isAfterLoss: false };
  }

  /**
   * A file that ends before the link that is known to have been written has lost something, or is another one: the
   * chain goes on from what is known, so that the gap shows, and says so itself: a gap alone could be a file that is kept
   * elsewhere.
   */
  #goOnFrom(found: ChainEnd | undefined, written: Written): Basis {
    const known = this.#end;
    const isThere = known === undefined || (found?.chain === known.chain && found.link >= known.link);
    if (isThere) return { end: found, isAfterLoss: false };
    const message = `the audit trail does not have link ${String(known.link)}, which was written; if it was moved away keep it, else it was cut or replaced`;
    // What was moved away leaves nothing; anything else took its place.
    const isMoved = written === "moved" && found === undefined;
    if (!isMoved && written !== "lost") this.#options.onFinding({ message, isLoss: true });
    return { end: known, isAfterLoss: !isMoved };
  }

  async #checkpoint(): Promise<void> {
    if (this.#end === undefined || this.#end.link === this.#signedLink) return;
    await this.#appendSigned(this.#chain.checkpoint(this.#end, this.#clock.now()));
  }

  async #appendSigned(sealed: Sealed): Promise<void> {
    await this.#append(sealed);
    this.#signedLink = sealed.end.link;
    this.#options.head?.save(sealed.bytes);
  }

  async #append({ bytes, end }: Sealed): Promise<void> {
    try {
      await this.#options.target.append(bytes);
    } catch (error) {
      // What of it is there is known once it was opened anew.
      this.#isOpen = false;
      throw error;
    }
    this.#end = end;
    this.#bytes = this.#options.target.bytes;
  }
}

/** Whether a link's line was made with the key; Ed25519 gives one signature for one text. */
function isWrittenWith(key: AuditKey, link: Link): boolean {
  if (link.kind === "batch") return key.mac(link.hash) === link.mac;
  return link.key === key.id && key.sign(link) === link.signature;
}
