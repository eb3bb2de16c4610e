import type { Payload } from "../../domain/payload.js";
import { isSecretError, SecretError } from "../../domain/secret-error.js";
import type { SecretBrokerClient } from "../secret-broker-client.js";
import type { SecretStore } from "../store/secret-store.js";

/** Where references are looked up: a client, or a store. */
export type ReferenceSource = Pick<SecretBrokerClient, "batchReadSecrets"> | Pick<SecretStore, "read">;

/** What a look-up found. */
export type LookUp =
  { readonly ok: true; readonly payload: Payload } | { readonly ok: false; readonly error: SecretError };

/** How many are asked for at once. */
const batchSize = 100;

/** Looks names up; each has its own outcome. */
export async function lookUpSecrets(
  source: ReferenceSource,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, LookUp>> {
  const found = new Map<string, LookUp>();
  for (let start = 0; start < names.length; start += batchSize) {
    const part = names.slice(start, start + batchSize);
    const outcomes =
      "batchReadSecrets" in source
        ? await readBatch(source, part, signal)
        : await Promise.all(part.map((name) => readOne(source, name, signal)));
    for (const [index, name] of part.entries()) {
      const outcome = outcomes[index];
      if (outcome !== undefined) found.set(name, outcome);
    }
  }
  return found;
}

async function readBatch(
  source: Pick<SecretBrokerClient, "batchReadSecrets">,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly LookUp[]> {
  try {
    const results = await source.batchReadSecrets({ reads: names.map((name) => ({ name })) }, { signal });
    return results.map((result) => {
      if (!result.ok) return result;
      if (!result.answer.notModified) return { ok: true, payload: result.answer.secret.payload };
      return { ok: false, error: new SecretError("MANAGER_REPLY_INVALID", "the broker left a payload out") };
    });
  } catch (error) {
    const failure = failed(error);
    return names.map(() => failure);
  }
}

async function readOne(
  source: Pick<SecretStore, "read">,
  name: string,
  signal: AbortSignal | undefined,
): Promise<LookUp> {
  try {
    const { payload } = await source.read(name, { signal });
    return { ok: true, payload };
  } catch (error) {
    return failed(error);
  }
}

function failed(error: unknown): LookUp {
  if (isSecretError(error)) return { ok: false, error };
  throw error;
}
