import type { Secret } from "../../domain/secret.js";
import { isSecretError } from "../../domain/secret-error.js";

/** Also a secret that says it is deleted is not there. */
export async function readOrNothing(reading: Promise<Secret | undefined>): Promise<Secret | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isSecretError(error) && (error.reason === "SECRET_NOT_FOUND" || error.reason === "SECRET_DELETED")) {
      return undefined;
    }
    throw error;
  }
}
