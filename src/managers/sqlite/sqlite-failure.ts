import { isSecretError, SecretError } from "../../domain/secret-error.js";

/** SQLite's primary result codes that mean the file cannot be trusted. */
const corruptCodes: ReadonlySet<number> = new Set([11, 26]);
/** Its codes that mean nothing can be written for now: read-only, an input or output error, a full disk, no access. */
const reasons: Readonly<Record<number, string>> = {
  5: "is locked by another process",
  8: "can only be read",
  10: "gives input and output errors",
  13: "is on a full disk",
  14: "cannot be opened",
};

/** What a caller is told of something SQLite threw; its own text is the cause, for the log. */
export function translateSqliteFailure(thrown: unknown, path: string): SecretError {
  if (isSecretError(thrown)) return thrown;
  const code = primaryCode(thrown);
  if (code !== undefined && corruptCodes.has(code)) {
    const message = "the store's file is damaged; bring it back from a backup";
    return new SecretError("PAYLOAD_CORRUPT", message, { cause: thrown });
  }
  const why = (code === undefined ? undefined : reasons[code]) ?? "does not answer";
  return new SecretError("MANAGER_UNAVAILABLE", `the store's file ${why}`, { cause: thrown, metadata: { path } });
}

/** SQLite's result code, without what extends it; undefined for what is not SQLite's. */
export function primaryCode(thrown: unknown): number | undefined {
  if (typeof thrown !== "object" || thrown === null || !("errcode" in thrown)) return undefined;
  return typeof thrown.errcode === "number" ? thrown.errcode & 0xff : undefined;
}
