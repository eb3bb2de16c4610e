import { SecretError } from "../domain/secret-error.js";
import { guardKey, type Identify } from "./open-call.js";

/** A key that is sent more than once arrives joined. */
const expected = /^true(?:, ?true)*$/;

/**
 * Tells who calls only where the call shows that it was meant for a broker. Whoever can make another program send requests
 * chooses where they go and often what is in them, and hardly ever which metadata they carry.
 */
export function guardedBy(identify: Identify): Identify {
  return (credentials) => {
    const { guard } = credentials;
    if (guard !== "true" && (guard === undefined || !expected.test(guard))) throw unguarded();
    return identify(credentials);
  };
}

function unguarded(): SecretError {
  const description = 'must be "true" on this address; send it as metadata with every call, as our clients do';
  return SecretError.fieldInvalid([{ field: guardKey, description }]);
}
