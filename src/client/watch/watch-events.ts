import type { Secret } from "../../domain/secret.js";
import type { Secret as WireSecret } from "../../gen/secretbroker/v1/secret.js";
import type {
  WatchSecretsRequest,
  WatchSecretsResponse,
  WatchSubscribe as WireSubscribe,
} from "../../gen/secretbroker/v1/watch.js";
import { msFromDuration } from "../../rpc/time.js";
import { decodeSecret, decodeText, decodeTime, invalidReply } from "../decode-secret.js";
import { encodeText, encodeUint32 } from "../encode-field.js";

/** Adds to what is watched. */
export interface WatchSubscription {
  /** Names, whether they exist yet or not; at most 1,000 at once. */
  readonly names?: readonly string[] | undefined;
  /** Prefixes; an empty one is everything the caller may watch. */
  readonly prefixes?: readonly string[] | undefined;
  /** What the caller holds from before: secret name → version and, where it is known, its generation. */
  readonly known?: ReadonlyMap<string, KnownVersion> | undefined;
  /** The revision of the last sync marker or heartbeat seen; only what has changed since is sent. */
  readonly resumeRevision?: bigint | undefined;
}

/** A version the caller has. */
export interface KnownVersion {
  readonly version: number;
  readonly uid?: string | undefined;
}

/** What a watcher is told. Revisions are 0n where the manager keeps none. */
export type WatchEvent =
  | { readonly kind: "initial"; readonly secrets: readonly Secret[] }
  | { readonly kind: "change"; readonly secret: Secret; readonly revision: bigint }
  | { readonly kind: "removal"; readonly name: string; readonly uid: string | undefined; readonly revision: bigint }
  | {
      /** Everything up to the revision has been sent. */
      readonly kind: "synced";
      readonly revision: bigint;
      /** How often the manager is asked; undefined when it tells of changes by itself. */
      readonly pollIntervalMs: number | undefined;
    }
  | {
      readonly kind: "heartbeat";
      readonly revision: bigint;
      /** When the broker, by its own clock, last knew the watched secrets to be current. */
      readonly currentTime: Date | undefined;
    };

/**
 * A subscription for the wire.
 * @throws SecretError `FIELD_INVALID` for what the wire cannot carry
 */
export function encodeSubscription(subscription: WatchSubscription): WatchSecretsRequest {
  const known = [...(subscription.known ?? [])];
  const value: WireSubscribe = {
    names: encodeTexts("names", subscription.names),
    prefixes: encodeTexts("prefixes", subscription.prefixes),
    knownVersions: new Map(
      known.map(([name, { version }]) => [encodeText("known_versions", name), encodeUint32("known_versions", version)]),
    ),
    knownUids: new Map(known.flatMap(([name, { uid }]) => (uid === undefined ? [] : [[name, uid] as const]))),
    resumeRevision: subscription.resumeRevision ?? 0n,
  };
  return { action: { $case: "subscribe", value } };
}

/** The end of a subscription for the wire. @throws SecretError `FIELD_INVALID` */
export function encodeUnsubscription({
  names,
  prefixes,
}: Pick<WatchSubscription, "names" | "prefixes">): WatchSecretsRequest {
  const value = { names: encodeTexts("names", names), prefixes: encodeTexts("prefixes", prefixes) };
  return { action: { $case: "unsubscribe", value } };
}

/**
 * What a watcher was told, from the wire; undefined for an event of a later version of the protocol.
 * @throws SecretError `MANAGER_REPLY_INVALID`
 */
export function decodeWatchEvent({ event }: WatchSecretsResponse): WatchEvent | undefined {
  switch (event?.$case) {
    case "initialSet":
      return { kind: "initial", secrets: event.value.secrets.map(decodeTold) };
    case "change":
      if (event.value.secret === undefined) throw invalidReply("a change without a secret");
      return { kind: "change", secret: decodeTold(event.value.secret), revision: event.value.revision };
    case "removal": {
      const { name, uid, revision } = event.value;
      return { kind: "removal", name, uid: decodeText(uid), revision };
    }
    case "syncMarker": {
      const { revision, pollInterval } = event.value;
      return { kind: "synced", revision, pollIntervalMs: pollInterval && msFromDuration(pollInterval) };
    }
    case "heartbeat": {
      const { revision, currentTime } = event.value;
      return { kind: "heartbeat", revision, currentTime: decodeTime(currentTime) };
    }
    case undefined:
      return undefined;
  }
}

/** A watcher is told of names it has not asked for: those under its prefixes. */
function decodeTold(secret: WireSecret): Secret {
  return decodeSecret(secret, secret.name);
}

function encodeTexts(field: string, texts: readonly string[] = []): string[] {
  return texts.map((text, index) => encodeText(`${field}[${String(index)}]`, text));
}
