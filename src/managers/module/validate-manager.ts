import { closestName } from "./closest-name.js";

/** A member of a would-be manager that is not as the contract has it. */
export interface MemberProblem {
  readonly member: string;
  readonly problem: "missing" | "wrong_type";
  /** What the member must be: `a function`. */
  readonly expected: string;
  /** What is there instead; with `wrong_type` only. */
  readonly found?: string;
  /** A member of the object that was probably meant to be this one. */
  readonly meant?: string;
}

type MemberType = "function" | "string" | "object";

const requiredMembers = ["readSecret"] as const;

// member → what it must be when it is there
const memberTypes: ReadonlyMap<string, MemberType> = new Map<string, MemberType>([
  ["managerName", "string"],
  ["supports", "object"],
  ["readSecret", "function"],
  ["readSecretSync", "function"],
  ["readSecretVersion", "function"],
  ["writeSecret", "function"],
  ["deleteSecret", "function"],
  ["rotateSecret", "function"],
  ["listSecrets", "function"],
  ["describeSecret", "function"],
  ["activateSecretVersion", "function"],
  ["restoreSecret", "function"],
  ["destroySecret", "function"],
  ["watchSecrets", "function"],
  ["batchReadSecrets", "function"],
  ["forgetSecret", "function"],
  ["validateEnvironment", "function"],
  ["checkHealth", "function"],
  ["close", "function"],
]);

/** The reference's names of the members → ours. */
const referenceNames: ReadonlyMap<string, string> = new Map([
  ["async_read_secret", "readSecret"],
  ["sync_read_secret", "readSecretSync"],
  ["async_write_secret", "writeSecret"],
  ["async_delete_secret", "deleteSecret"],
  ["async_rotate_secret", "rotateSecret"],
  ["validate_environment", "validateEnvironment"],
  ["async_health_check", "checkHealth"],
]);

/**
 * Lists what keeps something from being a manager: required members that are missing and members of the wrong type.
 * Empty for a manager.
 */
export function missingMembers(candidate: unknown): readonly MemberProblem[] {
  const missing = requiredMembers.filter((member) => memberOf(candidate, member) === undefined);
  return [
    ...missing.map((member) => missingMember(candidate, member)),
    ...[...memberTypes].flatMap(([member, type]) => wrongType(candidate, member, type)),
  ];
}

/** Members under the reference's names that are not there under ours: pairs of theirs and ours. */
export function referenceMembers(candidate: unknown): readonly (readonly [string, string])[] {
  return [...referenceNames].filter(
    ([theirs, ours]) => memberOf(candidate, theirs) !== undefined && memberOf(candidate, ours) === undefined,
  );
}

function missingMember(candidate: unknown, member: string): MemberProblem {
  const named = referenceMembers(candidate).find(([, ours]) => ours === member)?.[0];
  const meant = named ?? closestName(member, memberNames(candidate));
  return { member, problem: "missing", expected: "a function", ...(meant !== undefined && { meant }) };
}

function wrongType(candidate: unknown, member: string, type: MemberType): readonly MemberProblem[] {
  const value = memberOf(candidate, member);
  if (value === undefined || (typeof value === type && value !== null)) return [];
  return [{ member, problem: "wrong_type", expected: withArticle(type), found: kindOf(value) }];
}

/** A member, inherited ones too; undefined when reading it throws, as then nobody can call it. */
function memberOf(candidate: unknown, member: string): unknown {
  if (typeof candidate !== "object" || candidate === null) return undefined;
  try {
    return Reflect.get(candidate, member);
  } catch {
    return undefined;
  }
}

/** The names of all members that somebody wrote, known ones of ours excepted. */
function memberNames(candidate: unknown): readonly string[] {
  const names: string[] = [];
  let owner: unknown = candidate;
  while (typeof owner === "object" && owner !== null && owner !== Object.prototype) {
    names.push(...Object.getOwnPropertyNames(owner));
    owner = Object.getPrototypeOf(owner);
  }
  return names.filter((name) => name !== "constructor" && !memberTypes.has(name));
}

function kindOf(value: unknown): string {
  return value === null ? "null" : withArticle(typeof value);
}

function withArticle(type: string): string {
  return type === "object" ? "an object" : `a ${type}`;
}
