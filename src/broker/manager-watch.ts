import type { WatchEvent } from "../contract/secret-manager.js";
import { type Fields, InvalidReply, isFields, kindOf, optionalDate, parseDescription } from "./manager-reply.js";

const maxPollIntervalMs = 86_400_000;

/** Takes what a manager tells its watcher for an event. */
export function parseWatchEvent(event: unknown): WatchEvent {
  if (!isFields(event)) throw new InvalidReply(`an event must be an object, not ${kindOf(event)}`);
  const { kind, revision } = event;
  if (typeof revision !== "bigint" || revision < 0n || revision >= 2n ** 64n) {
    throw new InvalidReply("an event's revision must be a bigint from 0n to 2^64 - 1");
  }
  switch (kind) {
    case "synced":
      return { kind, revision, pollIntervalMs: parsePollInterval(event) };
    case "current":
      return { kind, revision, asOf: parseAsOf(event) };
    case "changed":
    case "removed":
      return { kind, revision, secret: parseDescription(event["secret"]) };
    default:
      throw new InvalidReply('an event\'s kind must be "changed", "removed", "synced" or "current"');
  }
}

function parseAsOf(event: Fields): Date {
  const asOf = optionalDate(event, "asOf");
  if (asOf === undefined) throw new InvalidReply("an event of the kind current must have an asOf");
  return asOf;
}

function parsePollInterval({ pollIntervalMs }: Fields): number | undefined {
  if (pollIntervalMs === undefined) return undefined;
  if (typeof pollIntervalMs === "number" && pollIntervalMs >= 0 && pollIntervalMs <= maxPollIntervalMs) {
    return pollIntervalMs;
  }
  throw new InvalidReply("an event's pollIntervalMs must be a number from 0 to a day in milliseconds");
}
