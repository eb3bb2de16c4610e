import { statSync } from "node:fs";
import { SecretError } from "../../domain/secret-error.js";

/**
 * The files SQLite has open. Once one of them is removed, or replaced by another, SQLite goes on writing to what nobody
 * finds after a restart, and says nothing.
 */
export class OpenFiles {
  readonly #path: string;
  // file → which one it was when it was first seen
  readonly #identities = new Map<string, string>();

  /** @param path the database's, which is open and whose log is there */
  constructor(path: string) {
    this.#path = path;
    this.assertInPlace();
  }

  /** @throws SecretError `MANAGER_UNAVAILABLE` when a restart would not find what is written now */
  assertInPlace(): void {
    for (const file of [this.#path, `${this.#path}-wal`]) {
      const found = identityOf(file);
      const known = this.#identities.get(file);
      if (known === undefined && found !== undefined) this.#identities.set(file, found);
      if (known === undefined || known === found) continue;
      const message = "the store's file was removed or replaced while it is open; bring it back and restart the broker";
      throw new SecretError("MANAGER_UNAVAILABLE", message, { metadata: { path: this.#path } });
    }
  }
}

function identityOf(file: string): string | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  return found && `${String(found.dev)}:${String(found.ino)}`;
}
