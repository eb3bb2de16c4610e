import { isSecretError, SecretError, type SecretErrorReason } from "../../domain/secret-error.js";

/** When it makes sense to try again. */
const retryAfterMs = 1_000;

/** What PostgreSQL or the way to it said, without what it quotes of rows, statements and parameters. */
class PostgresCause extends Error {
  override readonly name = "PostgresCause";
  readonly code: string;
  /** Whether the server said so and goes on; otherwise the connection is over. */
  readonly isRefusal: boolean;

  constructor(code: string, message: string, isRefusal: boolean) {
    super(`${code}: ${message}`);
    this.code = code;
    this.isRefusal = isRefusal;
  }
}

/** The errors of SQL that a repetition of the whole transaction may not meet again. */
const passing: ReadonlySet<string> = new Set([
  "40001", // serialization_failure
  "40P01", // deadlock_detected
  // unique_violation: another transaction was first, and running again sees what it wrote.
  "23505",
]);

type Told = readonly [SecretErrorReason, string];

/** Error codes of PostgreSQL, or the classes they begin with → what the caller is told. The longest that fits counts. */
const byCode: Readonly<Record<string, Told>> = {
  "57014": ["MANAGER_TIMEOUT", "took longer than its statement timeout"],
  "55P03": ["MANAGER_UNAVAILABLE", "kept a lock for longer than the lock timeout"],
  "25006": ["MANAGER_UNAVAILABLE", "can only be read now"],
  "25P03": ["MANAGER_UNAVAILABLE", "ended a transaction that was idle"],
  "53100": ["MANAGER_UNAVAILABLE", "is on a full disk"],
  "53200": ["MANAGER_UNAVAILABLE", "is out of memory"],
  "53300": ["MANAGER_UNAVAILABLE", "has no connection left"],
  "53": ["MANAGER_UNAVAILABLE", "is out of resources"],
  "57": ["MANAGER_UNAVAILABLE", "is shutting down or starting"],
  "58": ["MANAGER_UNAVAILABLE", "gives input and output errors"],
  "40": ["MANAGER_UNAVAILABLE", "could not complete the transaction among others"],
  "08": ["MANAGER_UNAVAILABLE", "cannot be reached"],
  "28": ["MANAGER_UNAVAILABLE", "refuses the user or the password"],
  "3D": ["MANAGER_UNAVAILABLE", "is not on the server"],
  "42501": ["MANAGER_UNAVAILABLE", "does not permit the user to do this"],
  "22021": ["FIELD_INVALID", "cannot keep a text with a zero character"],
  XX001: ["PAYLOAD_CORRUPT", "holds damaged data; bring it back from a backup"],
  XX002: ["PAYLOAD_CORRUPT", "holds a damaged index; reindex it"],
};

/** Errors of an opening that only another configuration can mend. */
const misconfigured: ReadonlySet<string> = new Set(["28", "3D", "42"]);

/** What a caller is told of something that the driver threw; never its own text. */
export function translatePostgresFailure(thrown: unknown, description: string): SecretError {
  if (isSecretError(thrown)) return thrown;
  const cause = causeOf(thrown);
  const [reason, what] = cause === undefined ? unknownFailure : told(cause);
  return failure(reason, `the database ${description} ${what}`, cause ?? thrown);
}

/** The same while a database is opened, where the configuration may be at fault. */
export function translateOpeningFailure(thrown: unknown, description: string): SecretError {
  const error = translatePostgresFailure(thrown, description);
  const code = sqlStateOf(error);
  if (code === undefined || !misconfigured.has(code.slice(0, 2))) return error;
  return new SecretError("CONFIG_INVALID", error.message, { cause: error.cause });
}

/** The connection was lost between a COMMIT and its answer: nobody knows whether it was made. */
export function unknownOutcome(cause: unknown, description: string): SecretError {
  const message = `the database ${description} went away during a commit; whether the change was made is not known`;
  const metadata = { outcome: "unknown" };
  return new SecretError("MANAGER_UNAVAILABLE", message, { cause: causeOf(cause) ?? cause, metadata, retryAfterMs });
}

/** The database cannot be used now, for a reason of our own. */
export function unavailable(description: string, what: string, cause?: unknown): SecretError {
  return failure("MANAGER_UNAVAILABLE", `the database ${description} ${what}`, cause);
}

/** Whether running the transaction again may succeed. */
export function isPassing(error: SecretError): boolean {
  const code = sqlStateOf(error);
  return code !== undefined && passing.has(code);
}

/** Whether the server refused and goes on, so that nothing of the transaction has been or will be made. */
export function isRefusal(error: SecretError): boolean {
  // 40003 is the one that says that it does not know either.
  return error.cause instanceof PostgresCause && error.cause.isRefusal && error.cause.code !== "40003";
}

/** Whether the connection is of no use any more: it is lost, or its server has become read-only. */
export function endsConnection(error: SecretError): boolean {
  return error.cause instanceof PostgresCause && (!error.cause.isRefusal || error.cause.code === "25006");
}

function sqlStateOf({ cause }: SecretError): string | undefined {
  return cause instanceof PostgresCause ? cause.code : undefined;
}

const unknownFailure: Told = ["MANAGER_UNAVAILABLE", "could not be used"];

function told({ code, isRefusal }: PostgresCause): Told {
  const known = byCode[code] ?? (isSqlState(code) ? byCode[code.slice(0, 2)] : undefined);
  if (known !== undefined) return known;
  return ["MANAGER_UNAVAILABLE", isRefusal ? `refused a statement with SQLSTATE ${code}` : "cannot be reached"];
}

function failure(reason: SecretErrorReason, message: string, cause?: unknown): SecretError {
  if (reason === "FIELD_INVALID" || reason === "PAYLOAD_CORRUPT") return new SecretError(reason, message, { cause });
  return new SecretError(reason, message, { cause, retryAfterMs });
}

/** An error of the server has five characters of its own as a code; one of the way there has a word. */
function causeOf(thrown: unknown): PostgresCause | undefined {
  if (thrown instanceof PostgresCause) return thrown;
  if (!(thrown instanceof Error) || !("code" in thrown) || typeof thrown.code !== "string") return undefined;
  const isFromServer = "severity" in thrown && isSqlState(thrown.code);
  return new PostgresCause(thrown.code, thrown.message, isFromServer && thrown.severity === "ERROR");
}

function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/u.test(code);
}
