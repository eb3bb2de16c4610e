import type { DescribeReply, ListQuery, ListReply } from "../contract/secret-manager.js";
import type { SecretDescription, VersionDescription } from "../domain/secret.js";
import {
  type Fields,
  InvalidReply,
  isFields,
  kindOf,
  optionalText,
  parseDescription,
  parseVersion,
} from "./manager-reply.js";

const maxPageTokenLength = 2_048;
const maxVersions = 100_000;

/** Takes a reply for a page that keeps to the query: no more than asked for, in order, nothing foreign. */
export function parseListReply(reply: unknown, query: ListQuery): ListReply {
  if (!isFields(reply)) throw new InvalidReply(`it must be an object with secrets, not ${kindOf(reply)}`);
  const listed = reply["secrets"];
  if (!Array.isArray(listed)) throw new InvalidReply(`its secrets must be an array, not ${kindOf(listed)}`);
  if (listed.length > query.pageSize) {
    throw new InvalidReply(`it must hold at most the ${String(query.pageSize)} secrets that were asked for`);
  }
  const secrets = listed.map((entry: unknown) => parseDescription(entry));
  assertOrdered(secrets);
  assertMatching(secrets, query);
  return { secrets, nextPageToken: parsePageToken(reply) };
}

function assertOrdered(secrets: readonly SecretDescription[]): void {
  const isOrdered = secrets.every(({ name }, index) => index === 0 || (secrets[index - 1]?.name ?? "") <= name);
  if (!isOrdered) throw new InvalidReply("its secrets must be in the order of their names");
}

function assertMatching(secrets: readonly SecretDescription[], query: ListQuery): void {
  const wanted = Object.entries(query.tags);
  const matches = secrets.every(
    ({ name, tags = {}, deleteTime }) =>
      name.startsWith(query.prefix) &&
      wanted.every(([key, value]) => tags[key] === value) &&
      (query.showDeleted || deleteTime === undefined),
  );
  if (!matches) throw new InvalidReply("its secrets must match the prefix, tags and showDeleted that were asked for");
}

function parsePageToken(reply: Fields): string | undefined {
  const token = optionalText(reply, "nextPageToken");
  if (token === undefined || token === "") return undefined;
  if (token.length > maxPageTokenLength) throw new InvalidReply("its nextPageToken must be at most 2048 characters");
  return token;
}

/** Takes a reply for a description with versions, oldest first; undefined is confirmed absence. */
export function parseDescribeReply(reply: unknown, name: string): DescribeReply | undefined {
  if (reply === undefined) return undefined;
  const description = parseDescription(reply, name);
  return { ...description, versions: parseVersions(isFields(reply) ? reply["versions"] : undefined) };
}

function parseVersions(versions: unknown): readonly VersionDescription[] {
  if (versions === undefined) return [];
  if (!Array.isArray(versions) || versions.length > maxVersions) {
    throw new InvalidReply(`its versions must be an array of at most ${String(maxVersions)}, not ${kindOf(versions)}`);
  }
  return versions.map((entry: unknown) => {
    if (!isFields(entry)) throw new InvalidReply(`a version must be an object, not ${kindOf(entry)}`);
    return parseVersion(entry);
  });
}
