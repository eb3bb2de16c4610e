import type { ClaimedVersion } from "../../broker/watch/held-secrets.js";
import type { RefusedVersion, Subscription, UsedVersion, WatchSize } from "../../broker/watch/watch-messages.js";
import { maxSecretNameLength, type SecretName, secretNameProblem } from "../../domain/secret-name.js";
import type { WatchAck, WatchNack, WatchSubscribe, WatchUnsubscribe } from "../../gen/secretbroker/v1/watch.js";
import { FieldChecks } from "./field-checks.js";

const maxNames = 1_000;
const maxPrefixes = 100;
const maxKnown = 10_000;

/** How much one stream may watch. */
const maxWatched: WatchSize = { names: 10_000, prefixes: 1_000 };

/**
 * What a watcher subscribes.
 * @param watched how much it watches already
 * @throws SecretError `FIELD_INVALID`
 */
export function parseSubscribe(request: WatchSubscribe, watched: WatchSize): Subscription {
  const checks = new FieldChecks("subscribe.");
  const { names, prefixes } = watchedFields(checks, request);
  if (names.length + prefixes.length === 0) checks.violate("names", "or prefixes must not be empty");
  if (watched.names + names.length > maxWatched.names) {
    checks.violate("names", `must be at most ${String(maxWatched.names)} on one stream; open another one`);
  }
  if (watched.prefixes + prefixes.length > maxWatched.prefixes) {
    checks.violate("prefixes", `must be at most ${String(maxWatched.prefixes)} on one stream; open another one`);
  }
  const known = knownField(checks, request);
  checks.assertNone();
  return { names, prefixes, known, resumeRevision: request.resumeRevision };
}

/**
 * What a watcher unsubscribes.
 * @throws SecretError `FIELD_INVALID`
 */
export function parseUnsubscribe(request: WatchUnsubscribe): Pick<Subscription, "names" | "prefixes"> {
  const checks = new FieldChecks("unsubscribe.");
  const fields = watchedFields(checks, request);
  checks.assertNone();
  return fields;
}

/**
 * Which version a watcher uses; 0 that it has dropped what it had.
 * @throws SecretError `FIELD_INVALID`
 */
export function parseAck(request: WatchAck): UsedVersion {
  const checks = new FieldChecks("ack.");
  const used = { name: checks.name("name", request.name), version: request.version };
  checks.assertNone();
  return used;
}

/**
 * Which version a watcher cannot use. Its text is left out: it may say anything.
 * @throws SecretError `FIELD_INVALID`
 */
export function parseNack({ name, version, status }: WatchNack): RefusedVersion {
  const checks = new FieldChecks("nack.");
  if (status === undefined) checks.violate("status", "must be set");
  const refused = {
    name: checks.name("name", name),
    version: checks.optionalVersion("version", version) ?? 0,
    code: status?.code ?? 0,
  };
  checks.assertNone();
  return refused;
}

function watchedFields(
  checks: FieldChecks,
  { names, prefixes }: Pick<WatchSubscribe, "names" | "prefixes">,
): Pick<Subscription, "names" | "prefixes"> {
  if (names.length > maxNames) checks.violate("names", `must hold at most ${String(maxNames)} items`);
  if (prefixes.length > maxPrefixes) checks.violate("prefixes", `must hold at most ${String(maxPrefixes)} items`);
  for (const [index, prefix] of prefixes.entries())
    checks.text(`prefixes[${String(index)}]`, prefix, maxSecretNameLength);
  return { names: names.map((name, index) => checks.name(`names[${String(index)}]`, name)), prefixes };
}

function knownField(
  checks: FieldChecks,
  { knownVersions, knownUids }: Pick<WatchSubscribe, "knownVersions" | "knownUids">,
): ReadonlyMap<SecretName, ClaimedVersion> {
  if (knownVersions.size > maxKnown) checks.violate("known_versions", `must hold at most ${String(maxKnown)} items`);
  const known = new Map<SecretName, ClaimedVersion>();
  for (const [name, version] of knownVersions) {
    const problem = secretNameProblem(name);
    if (problem !== undefined) checks.violate("known_versions", `must have keys that are names: one ${problem}`);
    known.set(name as SecretName, { version, uid: knownUids.get(name) });
  }
  for (const name of knownUids.keys()) {
    if (knownVersions.has(name)) continue;
    checks.violate("known_uids", "must have only keys that known_versions has");
    break;
  }
  return known;
}
