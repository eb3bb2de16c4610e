import type { ListReply, SecretManager, WatchEvent } from "../../contract/secret-manager.js";
import type { ListSecretsResponse, WatchSecretsResponse } from "../../gen/secretbroker/manager/v1/secret_manager.js";
import { type Asking, contextOf } from "./asking.js";
import { invalidReply } from "./call-failure.js";
import { unlessAbsent } from "./reading-members.js";
import { decodeDescription, decodeVersion } from "./wire/descriptions.js";
import { encodeTags } from "./wire/payloads.js";
import { managerRpcs } from "./wire/rpcs.js";

type LookingMembers = Required<Pick<SecretManager, "listSecrets" | "describeSecret" | "watchSecrets">>;

/** The members that look without a payload. */
export function lookingMembers(asking: Asking): LookingMembers {
  return {
    listSecrets: async ({ prefix, tags, showDeleted, pageSize, pageToken = "" }, call) => {
      const query = { prefix, tags: encodeTags(tags), showDeleted, pageSize, pageToken };
      const response = await asking.ask(managerRpcs.listSecrets, { ...query, call: contextOf(call) }, call);
      return pageOf(response, pageToken);
    },
    describeSecret: async (name, call) =>
      await unlessAbsent(async () => {
        const request = { name, call: contextOf(call) };
        const { secret, versions } = await asking.ask(managerRpcs.describeSecret, request, call);
        if (secret?.name !== name) throw invalidReply("another secret than the one asked for");
        return { ...decodeDescription(secret), versions: versions.map(decodeVersion) };
      }),
    async *watchSecrets(afterRevision, call) {
      const from = { afterRevision: afterRevision ?? 0n, fromNow: afterRevision === undefined };
      let last = 0n;
      for await (const message of asking.follow(managerRpcs.watchSecrets, { ...from, call: contextOf(call) }, call)) {
        if (message.revision < last) throw invalidReply("a revision that falls");
        last = message.revision;
        yield eventOf(message);
      }
    },
  };
}

/** A page that gives the token it was asked with would be asked for without end. */
function pageOf({ secrets, nextPageToken }: ListSecretsResponse, pageToken: string): ListReply {
  if (nextPageToken !== "" && nextPageToken === pageToken) throw invalidReply("a page that leads to itself");
  return { secrets: secrets.map(decodeDescription), nextPageToken: nextPageToken === "" ? undefined : nextPageToken };
}

function eventOf({ event, revision }: WatchSecretsResponse): WatchEvent {
  switch (event?.$case) {
    case "changed":
    case "removed":
      return { kind: event.$case, secret: decodeDescription(event.value), revision };
    case "synced":
      return { kind: "synced", revision };
    case undefined:
      throw invalidReply("an empty event");
  }
}
