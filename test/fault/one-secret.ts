import type { SequentialModel } from "./find-violation.js";

/** What a client asks for of one name. */
export type Input =
  | { readonly kind: "read" }
  | { readonly kind: "write"; readonly value: string; readonly expectedVersion: number | undefined }
  | { readonly kind: "delete"; readonly isForEver: boolean };

/** What it is told: a word or a reason, the version that was written, or what was read. */
export type Output = string | number | { readonly value: string; readonly version: number };

/** One name, as nobody but it matters. */
interface Secret {
  /** 0 while it is not there. */
  readonly version: number;
  readonly value: string;
  /** Whether a life of it could be brought back. */
  readonly isRestorable: boolean;
}

/** What one name does when one operation comes after the other. */
export const oneSecret: SequentialModel<Secret, Input, Output> = {
  initial: { version: 0, value: "", isRestorable: false },
  keyOf: ({ version, value, isRestorable }) => `${String(version)} ${String(isRestorable)} ${value}`,
  step: (secret, input, output) => {
    const [told, after] = perform(secret, input);
    return output === undefined || JSON.stringify(output) === JSON.stringify(told) ? after : undefined;
  },
};

function perform(secret: Secret, input: Input): readonly [Output, Secret] {
  if (input.kind === "write") return write(secret, input);
  const { version, value, isRestorable } = secret;
  const isThere = version > 0;
  if (input.kind === "delete") {
    const after = { version: 0, value: "", isRestorable: isRestorable || (isThere && !input.isForEver) };
    return [isThere ? "deleted" : "not_found", after];
  }
  if (isThere) return [{ value, version }, secret];
  return [isRestorable ? "SECRET_DELETED" : "absent", secret];
}

function write(
  secret: Secret,
  { value, expectedVersion }: Input & { readonly kind: "write" },
): readonly [Output, Secret] {
  const { version } = secret;
  if (expectedVersion === 0 && version > 0) return ["SECRET_EXISTS", secret];
  if (expectedVersion !== undefined && expectedVersion !== version) return ["VERSION_MISMATCH", secret];
  return [version + 1, { ...secret, version: version + 1, value }];
}
