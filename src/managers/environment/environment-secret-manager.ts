import type { DescribeReply, ListQuery, ListReply, SecretManager, Supports } from "../../contract/secret-manager.js";
import { secretNameProblem } from "../../domain/secret-name.js";

/** Which variables stand for secrets. */
export interface EnvironmentSource {
  /** The variables; read at each call, so what changes in them is seen. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What stands before a secret's name in the variable's; may be empty. */
  readonly prefix: string;
}

/**
 * Reads secrets from environment variables: the secret `NAME` is the variable `<prefix>NAME`. It writes nothing.
 *
 * An empty variable is an empty value. Variables whose rest is no valid name of a secret are not listed, as nobody
 * could read them.
 */
export class EnvironmentSecretManager implements SecretManager {
  readonly managerName: string = "environment";
  readonly supports: Supports = { sharedReads: true };
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #prefix: string;

  constructor({ environment, prefix }: EnvironmentSource) {
    this.#environment = environment;
    this.#prefix = prefix;
  }

  /** {@inheritDoc SecretManager.readSecret} */
  readSecret(name: string): string | undefined {
    const variable = this.#prefix + name;
    return Object.hasOwn(this.#environment, variable) ? this.#environment[variable] : undefined;
  }

  /** {@inheritDoc SecretManager.readSecretSync} */
  readSecretSync(name: string): string | undefined {
    return this.readSecret(name);
  }

  /** {@inheritDoc SecretManager.listSecrets} */
  listSecrets({ prefix, tags, pageSize, pageToken = "" }: ListQuery): ListReply {
    // Variables carry no tags.
    if (Object.keys(tags).length > 0) return { secrets: [] };
    const names = this.#names().filter((name) => name.startsWith(prefix) && name > pageToken);
    const page = names.slice(0, pageSize);
    return {
      secrets: page.map((name) => ({ name })),
      nextPageToken: names.length > pageSize ? page.at(-1) : undefined,
    };
  }

  /** {@inheritDoc SecretManager.describeSecret} */
  describeSecret(name: string): DescribeReply | undefined {
    return this.readSecret(name) === undefined ? undefined : { name };
  }

  #names(): readonly string[] {
    return Object.keys(this.#environment)
      .filter((variable) => variable.startsWith(this.#prefix) && this.#environment[variable] !== undefined)
      .map((variable) => variable.slice(this.#prefix.length))
      .filter((name) => secretNameProblem(name) === undefined)
      .sort();
  }
}
