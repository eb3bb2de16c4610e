import type { WatchMessage } from "../../broker/watch/watch-messages.js";
import type { Secret } from "../../domain/secret.js";
import { WatchSecretsResponse } from "../../gen/secretbroker/v1/watch.js";
import { durationFromMs, timestampFromDate } from "../../rpc/time.js";
import { wireSecret } from "./wire-secret.js";

/** A change's bytes, of one revision. */
interface EncodedChange {
  readonly revision: bigint;
  readonly bytes: Buffer;
}

// secret → its last change, as long as the secret lives
const encoded = new WeakMap<Secret, EncodedChange>();

/**
 * The bytes of what a watcher is told. The guard gives out a frozen secret, one and the same, as long as the manager's
 * reply is the same; its change is encoded once for all who watch it.
 */
export function encodeWatchMessage(message: WatchMessage): Buffer {
  if (message.kind !== "change" || !Object.isFrozen(message.secret)) return encode(message);
  const { secret, revision } = message;
  const known = encoded.get(secret);
  if (known?.revision === revision) return known.bytes;
  const bytes = encode(message);
  encoded.set(secret, { revision, bytes });
  return bytes;
}

function encode(message: WatchMessage): Buffer {
  return Buffer.from(WatchSecretsResponse.encode({ event: wireEvent(message) }).finish());
}

function wireEvent(message: WatchMessage): WatchSecretsResponse["event"] {
  const { kind } = message;
  switch (kind) {
    case "initial":
      return { $case: "initialSet", value: { secrets: message.secrets.map(wireSecret) } };
    case "change":
      return { $case: "change", value: { secret: wireSecret(message.secret), revision: message.revision } };
    case "removal": {
      const { name, uid = "", revision } = message;
      return { $case: "removal", value: { name, uid, revision } };
    }
    case "synced": {
      const { revision, pollIntervalMs } = message;
      const pollInterval = pollIntervalMs === undefined ? undefined : durationFromMs(pollIntervalMs);
      return { $case: "syncMarker", value: { revision, pollInterval } };
    }
    case "heartbeat": {
      const currentTime = timestampFromDate(new Date(message.currentAtMs));
      return { $case: "heartbeat", value: { currentTime, revision: message.revision } };
    }
  }
}
