import type { ManagerOptions } from "../../client/encode-field.js";
import type { ReadAnswer } from "../../client/read-secret.js";
import { secretRpcs } from "../../client/rpcs/secret-rpcs.js";
import type { ManagerCall } from "../../contract/manager-call.js";
import type { ReadReply, SecretManager } from "../../contract/secret-manager.js";
import { SecretError } from "../../domain/secret-error.js";
import { longToken, shortToken } from "./page-token.js";
import { isAbsence } from "./upstream-failure.js";
import type { UpstreamLink } from "./upstream-link.js";

type ReadingMembers = Required<
  Pick<SecretManager, "readSecretVersion" | "batchReadSecrets" | "listSecrets" | "describeSecret">
> & { readonly readSecret: (name: string, call: ManagerCall) => Promise<ReadReply | undefined> };

/** The members that read. */
export function readingMembers(link: UpstreamLink): ReadingMembers {
  return {
    readSecret: async (name, call) => await readOne(link, { name }, call),
    readSecretVersion: async (name, version, call) => await readOne(link, { name, version }, call),
    batchReadSecrets: async (reads, call) => {
      if (reads.length === 0) return [];
      const asked = reads.map(({ name, version, options }) => ({
        ...{ name, version, options: optionsOf({ options }) },
        maxStalenessMs: call.maxStalenessMs,
      }));
      const results = await link.ask(secretRpcs.batchReadSecrets, { reads: asked, atomic: true }, call);
      return results.map((result) => {
        if (result.ok) return { reply: replyOf(result.answer) };
        return isAbsence(result.error) ? { reply: undefined } : { error: link.failureOf(result.error) };
      });
    },
    listSecrets: async (query, call) => {
      const request = { ...query, pageToken: longToken(query.pageToken), options: optionsOf(call) };
      const { secrets, nextPageToken } = await link.ask(secretRpcs.listSecrets, request, call);
      return { secrets, nextPageToken: shortToken(nextPageToken) };
    },
    describeSecret: async (name, call) =>
      await unlessAbsent(link.ask(secretRpcs.describeSecret, { name, options: optionsOf(call) }, call)),
  };
}

/** The caller's options, as they came from JSON; undefined when there are none. */
export function optionsOf({ options }: Pick<ManagerCall, "options">): ManagerOptions | undefined {
  return Object.keys(options).length === 0 ? undefined : (options as ManagerOptions);
}

async function readOne(
  link: UpstreamLink,
  asked: { readonly name: string; readonly version?: number },
  call: ManagerCall,
): Promise<ReadReply | undefined> {
  const { maxStalenessMs } = call;
  const request = { ...asked, maxStalenessMs, options: optionsOf(call) };
  const answer = await unlessAbsent(link.ask(secretRpcs.readSecret, request, call));
  return answer && replyOf(answer);
}

/** What a central broker keeps from before says how old it is, and whether it could not ask. */
function replyOf(answer: ReadAnswer): ReadReply {
  if (answer.notModified) {
    throw new SecretError("MANAGER_REPLY_INVALID", "the upstream broker answered with no payload");
  }
  const { payload: value, version, uid, createTime, expireTime, description, tags } = answer.secret;
  const reply = { value, version, uid, createTime, expireTime, description, tags };
  const { servedFrom, ageMs = 0 } = answer;
  return servedFrom === "manager" ? reply : { ...reply, ageMs, isStale: servedFrom === "stale" };
}

async function unlessAbsent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (thrown) {
    if (isAbsence(thrown)) return undefined;
    throw thrown;
  }
}
