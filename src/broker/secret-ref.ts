import type { SecretName } from "../domain/secret-name.js";
import type { Options } from "./guarded-call.js";

/** Which secret a manager is asked about, with the caller's options. */
export interface SecretRef {
  readonly name: SecretName;
  readonly options?: Options | undefined;
}

/** What to read. */
export interface ReadRef extends SecretRef {
  /** How old the answer may be where the manager keeps answers of another; 0 for the truth of now. */
  readonly maxStalenessMs?: number | undefined;
}
