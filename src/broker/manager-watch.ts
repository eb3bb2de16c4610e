import type { WatchEvent } from "../contract/secret-manager.js";
import { InvalidReply, isFields, kindOf, parseDescription } from "./manager-reply.js";

/** Takes what a manager tells its watcher for an event. */
export function parseWatchEvent(event: unknown): WatchEvent {
  if (!isFields(event)) throw new InvalidReply(`an event must be an object, not ${kindOf(event)}`);
  const { kind, revision } = event;
  if (typeof revision !== "bigint" || revision < 0n || revision >= 2n ** 64n) {
    throw new InvalidReply("an event's revision must be a bigint from 0n to 2^64 - 1");
  }
  switch (kind) {
    case "synced":
      return { kind, revision };
    case "changed":
    case "removed":
      return { kind, revision, secret: parseDescription(event["secret"]) };
    default:
      throw new InvalidReply('an event\'s kind must be "changed", "removed" or "synced"');
  }
}
