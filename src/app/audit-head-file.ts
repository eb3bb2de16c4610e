import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { AuditVerifier } from "../audit/audit-key.js";
import { type ChainEnd, parseLink } from "../audit/chain-link.js";
import type { ChainHead } from "../audit/chained-sink.js";

const fileMode = 0o600;
const directoryMode = 0o700;

/** Keeps the newest signed link of a chain beside it, so that a chain that lost its end does not pass for whole. */
export class AuditHeadFile implements ChainHead {
  readonly #path: string;
  readonly #verifier: AuditVerifier;
  readonly #onFailure: (error: unknown) => void;
  #next: Buffer | undefined;
  #saving: Promise<void> | undefined;
  #hasFailed = false;

  /** @param onFailure told once when it cannot be written, until it can be again */
  constructor(path: string, verifier: AuditVerifier, onFailure: (error: unknown) => void) {
    this.#path = path;
    this.#verifier = verifier;
    this.#onFailure = onFailure;
  }

  load(): Promise<ChainEnd | undefined> {
    return readAuditHead(this.#path, this.#verifier);
  }

  save(line: Buffer): void {
    this.#next = line;
    this.#saving ??= this.#saveAll();
  }

  async settled(): Promise<void> {
    await this.#saving;
  }

  async #saveAll(): Promise<void> {
    try {
      for (let line = this.#next; line !== undefined; line = this.#next) {
        this.#next = undefined;
        await mkdir(dirname(this.#path), { recursive: true, mode: directoryMode });
        await writeFile(`${this.#path}.new`, line, { mode: fileMode });
        await rename(`${this.#path}.new`, this.#path);
        this.#hasFailed = false;
      }
    } catch (error) {
      if (!this.#hasFailed) this.#onFailure(error);
      this.#hasFailed = true;
    } finally {
      this.#saving = undefined;
    }
  }
}

/** The link a file keeps; undefined when there is no file, or it is not what the key has signed. */
export async function readAuditHead(path: string, verifier: AuditVerifier): Promise<ChainEnd | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  const link = parseLink(text.trimEnd());
  if (link === undefined || link.kind === "batch") return undefined;
  if (link.key !== verifier.id || !verifier.isSigned(link)) return undefined;
  return { chain: link.chain, link: link.link, hash: link.hash };
}
