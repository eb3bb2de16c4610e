import type {
  BatchReadRequest,
  BatchReadResult,
  ReadAnswer,
  ReadRequest,
  Secret,
  SecretSource,
  SourceWatch,
  WatchEvent,
} from "../../../src/client/index.js";
import { isSecretError, SecretError } from "../../../src/domain/secret-error.js";
import { parseSecretName } from "../../../src/domain/secret-name.js";

/** A version of a secret. */
export function secretOf(name: string, version: number, payload: Secret["payload"]): Secret {
  return { name: parseSecretName(name), uid: `uid-${name}`, version, payload };
}

/** A broker that answers as a test says, and tells what the test has it tell. */
export class ScriptedSource implements SecretSource {
  /** What a read of a name is answered with, or fails with. */
  readonly #read: (name: string) => Secret | Promise<Secret>;
  /** The names of each batch that was asked for. */
  readonly batches: string[][] = [];
  /** How many single reads there were. */
  reads = 0;
  canWatch = true;
  /** Names that are watched. */
  readonly watched: Set<string> = new Set<string>();
  #told: WatchEvent[] = [];
  #wake = Promise.withResolvers<void>();

  constructor(read: (name: string) => Secret | Promise<Secret>) {
    this.#read = read;
  }

  async readSecret({ name }: Pick<ReadRequest, "name">): Promise<ReadAnswer> {
    this.reads += 1;
    return { notModified: false, secret: await this.#read(name), servedFrom: "manager", ageMs: undefined };
  }

  async batchReadSecrets({ reads }: BatchReadRequest): Promise<BatchReadResult[]> {
    this.batches.push(reads.map(({ name }) => name));
    return await Promise.all(reads.map(({ name }) => this.#result(name)));
  }

  watchSecrets(): SourceWatch {
    return {
      subscribe: ({ names = [] }) => {
        for (const name of names) this.watched.add(name);
        this.tell({ kind: "synced", revision: 1n, pollIntervalMs: undefined });
      },
      unsubscribe: ({ names = [] }) => {
        for (const name of names) this.watched.delete(name);
      },
      ack: () => undefined,
      close: () => undefined,
      [Symbol.asyncIterator]: () => this.#events(),
    };
  }

  /** Tells of something. */
  tell(event: WatchEvent): void {
    this.#told.push(event);
    this.#wake.resolve();
  }

  async *#events(): AsyncGenerator<WatchEvent, void, undefined> {
    if (!this.canWatch) throw new SecretError("CAPABILITY_UNSUPPORTED", "cannot watch");
    for (;;) {
      yield* this.#told.splice(0);
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
  }

  async #result(name: string): Promise<BatchReadResult> {
    try {
      const secret = await this.#read(name);
      return { ok: true, name, answer: { notModified: false, secret, servedFrom: "manager", ageMs: undefined } };
    } catch (error) {
      if (!isSecretError(error)) throw error;
      return { ok: false, name, error };
    }
  }
}
