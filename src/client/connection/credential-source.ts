import { readFile } from "node:fs/promises";
import { SecretError } from "../../domain/secret-error.js";

/** A file that holds a credential; read again when it has changed. */
export interface CredentialFile {
  readonly file: string;
}

/** What gives a credential; asked again whenever it is used. */
export type CredentialFunction<T> = () => T | Promise<T>;

/** A bearer token: itself, the file it is kept in, or what gives it. A surrounding blank of a file is left out. */
export type TokenSource = string | CredentialFile | CredentialFunction<string | undefined>;

/** PEM text: itself, the file it is kept in, or what gives it. */
export type PemSource = string | Uint8Array | CredentialFile | CredentialFunction<string | Uint8Array>;

/** A credential as often as it is needed. */
export interface CredentialReader<T> {
  /** At once where nothing has to be waited for. @throws SecretError `CREDENTIAL_MISSING` */
  read(): T | Promise<T>;
  /** Takes nothing for known: the broker has refused what was read last. */
  forget(): void;
}

/** For how long what a file holds is taken for known, in milliseconds. */
const fileFreshMs = 1_000;

/** Reads what a source gives; `what` names it in messages: `token`, `tls.key`. */
export function readCredential<T extends string | Uint8Array | undefined>(
  source: T | CredentialFile | CredentialFunction<T>,
  what: string,
): CredentialReader<T | string> {
  if (typeof source === "function") return new FunctionReader(source, what);
  if (typeof source === "object" && "file" in source) return new FileReader(source.file, what);
  return { read: () => source, forget: () => undefined };
}

class FunctionReader<T> implements CredentialReader<T> {
  readonly #give: CredentialFunction<T>;
  readonly #what: string;

  constructor(give: CredentialFunction<T>, what: string) {
    this.#give = give;
    this.#what = what;
  }

  read(): T | Promise<T> {
    try {
      const given = this.#give();
      return given instanceof Promise ? given.catch((error: unknown) => this.#fail(error)) : given;
    } catch (error) {
      return this.#fail(error);
    }
  }

  forget(): void {
    // It is asked each time.
  }

  #fail(cause: unknown): never {
    throw new SecretError("CREDENTIAL_MISSING", `the function given as ${this.#what} failed`, { cause });
  }
}

class FileReader implements CredentialReader<string> {
  readonly #path: string;
  readonly #what: string;
  #text: string | undefined;
  #readAtMs = -Infinity;
  #reading: Promise<string> | undefined;

  constructor(path: string, what: string) {
    this.#path = path;
    this.#what = what;
  }

  read(): string | Promise<string> {
    if (this.#text !== undefined && performance.now() - this.#readAtMs < fileFreshMs) return this.#text;
    this.#reading ??= this.#load().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  forget(): void {
    this.#readAtMs = -Infinity;
  }

  async #load(): Promise<string> {
    let problem = "is empty";
    let cause: unknown;
    try {
      const text = (await readFile(this.#path, "utf8")).trim();
      if (text !== "") {
        this.#text = text;
        this.#readAtMs = performance.now();
        return text;
      }
    } catch (error) {
      cause = error;
      const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
      problem = `cannot be read (${code})`;
    }
    // Whoever replaces a file may leave it missing or empty for a moment.
    if (this.#text !== undefined) return this.#text;
    const message = `the file "${this.#path}" given as ${this.#what} ${problem}`;
    throw new SecretError("CREDENTIAL_MISSING", message, { cause });
  }
}
