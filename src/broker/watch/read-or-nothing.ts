import type { Secret } from "../../domain/secret.js";
import { isRefutation } from "../cache/outage.js";

/**
 * For whoever watches, a secret is not there either when it is deleted, cannot be given as it is corrupt, or another
 * broker does not let this one have it: it must not be kept, and asking again brings nothing.
 */
export async function readOrNothing(reading: Promise<Secret | undefined>): Promise<Secret | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isRefutation(error)) return undefined;
    throw error;
  }
}
