import { parseSecretName, type SecretName } from "../../domain/secret-name.js";
import { matchesPattern } from "../../policy/segment-pattern.js";
import type { Call } from "../call.js";
import type { GuardedManager } from "../guarded-manager.js";

const pageSize = 1_000;

/** So that a pattern that stands for everything does not fill the memory with names. */
const maxNames = 10_000;

/** The names a manager has for a pattern, ten thousand at most. @throws SecretError as the manager fails */
export async function listMatching(manager: GuardedManager, call: Call, pattern: string): Promise<SecretName[]> {
  const [prefix = ""] = pattern.split("*");
  const query = { prefix, tags: {}, showDeleted: false, pageSize };
  const found: SecretName[] = [];
  let pageToken: string | undefined;
  do {
    call.assertLive();
    const page = await manager.list(call, pageToken === undefined ? query : { ...query, pageToken }, undefined);
    const names = page.secrets.map(({ name }) => name).filter((name) => matchesPattern(name, pattern));
    for (const name of names) found.push(parseSecretName(name));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined && found.length < maxNames);
  return found.slice(0, maxNames);
}
