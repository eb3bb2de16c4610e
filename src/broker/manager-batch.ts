import { InvalidReply, isFields, kindOf } from "./manager-reply.js";

/** One reply of several, read with suspicion. */
export type BatchItemReply = { readonly reply: unknown } | { readonly error: unknown };

/** Takes the reply to a batch for one reply to each of its reads. */
export function parseBatchReply(reply: unknown, count: number): readonly BatchItemReply[] {
  if (!Array.isArray(reply)) throw new InvalidReply(`it must be an array, not ${kindOf(reply)}`);
  if (reply.length !== count) throw new InvalidReply("it must hold one reply for each read");
  return reply.map((item: unknown) => {
    if (isFields(item) && "error" in item) return { error: item["error"] };
    if (isFields(item) && "reply" in item) return { reply: item["reply"] };
    throw new InvalidReply('each reply must be an object with "reply" or "error"');
  });
}
