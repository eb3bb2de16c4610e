import { SecretError, type Payload } from "secret-broker/contract";

/** Keeps text in memory. It extends nothing: a class with the right members is a manager. */
export class TextSecretManager {
  readonly #secrets = new Map<string, string>();

  readSecret(name: string): string | undefined {
    return this.#secrets.get(name);
  }

  writeSecret(name: string, value: Payload): void {
    if (typeof value !== "string") throw new SecretError("FIELD_INVALID", "this manager keeps text only");
    this.#secrets.set(name, value);
  }

  deleteSecret(name: string): boolean {
    return this.#secrets.delete(name);
  }
}
