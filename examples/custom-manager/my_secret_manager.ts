import { CustomSecretManager, type ListQuery, type ListReply, type Payload } from "secret-broker/contract";

/** Keeps secrets in memory; put your own store in the map's place. */
export class InMemorySecretManager extends CustomSecretManager {
  readonly #secrets = new Map<string, Payload>([
    ["OPENAI_API_KEY", "sk-..."],
    ["ANTHROPIC_API_KEY", "sk-ant-..."],
  ]);

  readSecret(name: string): Payload | undefined {
    return structuredClone(this.#secrets.get(name));
  }

  writeSecret(name: string, value: Payload): void {
    this.#secrets.set(name, structuredClone(value));
  }

  deleteSecret(name: string): boolean {
    return this.#secrets.delete(name);
  }

  listSecrets({ prefix, tags, pageSize, pageToken = "" }: ListQuery): ListReply {
    if (Object.keys(tags).length > 0) return { secrets: [] }; // it keeps no tags
    const names = [...this.#secrets.keys()].filter((name) => name.startsWith(prefix) && name > pageToken).sort();
    const page = names.slice(0, pageSize);
    return {
      secrets: page.map((name) => ({ name })),
      nextPageToken: names.length > pageSize ? page.at(-1) : undefined,
    };
  }
}
