import type { DeleteReply, RotateReply, WriteReply } from "../contract/secret-manager.js";
import { InvalidReply, isFields, kindOf, optionalDate, optionalText, parseVersion } from "./manager-reply.js";

/** Takes a write's reply for the version that was written; a manager without versions says nothing. */
export function parseWriteReply(reply: unknown): WriteReply {
  if (reply === undefined) return {};
  if (!isFields(reply)) throw new InvalidReply(`it must be an object or undefined, not ${kindOf(reply)}`);
  return parseVersion(reply);
}

/** Takes a rotation's reply for the version that took over. */
export function parseRotateReply(reply: unknown): RotateReply {
  const previousRestorableUntil = isFields(reply) ? optionalDate(reply, "previousRestorableUntil") : undefined;
  return { ...parseWriteReply(reply), previousRestorableUntil };
}

/** Takes a deletion's reply; false means there was nothing to delete, and silence that it was done. */
export function parseDeleteReply(reply: unknown): DeleteReply {
  if (reply === undefined || reply === true) return { status: "deleted" };
  if (reply === false) return { status: "not_found" };
  if (!isFields(reply)) throw new InvalidReply(`it must be a boolean, an object or undefined, not ${kindOf(reply)}`);
  const status = reply["status"];
  if (status !== "deleted" && status !== "not_found") {
    throw new InvalidReply('its status must be "deleted" or "not_found"');
  }
  return { status, uid: optionalText(reply, "uid"), restorableUntil: optionalDate(reply, "restorableUntil") };
}
