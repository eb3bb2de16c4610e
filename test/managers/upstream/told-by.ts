import { isSecretError, type SecretStore } from "../../../src/client/index.js";

/** What a store gives at once: a value and from where, or why none. */
export function toldBy(store: SecretStore, name = "A"): string {
  try {
    const { payload, servedFrom } = store.answer(name);
    return `${String(payload)} ${servedFrom}`;
  } catch (error) {
    if (isSecretError(error)) return error.reason;
    throw error;
  }
}
