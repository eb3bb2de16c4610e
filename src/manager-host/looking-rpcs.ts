import { once } from "node:events";
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { SecretManager, WatchEvent } from "../contract/secret-manager.js";
import { SecretError } from "../domain/secret-error.js";
import type {
  DescribeSecretRequest,
  DescribeSecretResponse,
  ListSecretsRequest,
  ListSecretsResponse,
  WatchSecretsRequest,
  WatchSecretsResponse,
} from "../gen/secretbroker/manager/v1/secret_manager.js";
import { encodeDescription, encodeVersion } from "../managers/remote/wire/descriptions.js";
import { callOf } from "./hosted-call.js";
import { type Answer, memberOf } from "./member-of.js";

/** The RPCs that look without a payload. */
export interface LookingRpcs {
  readonly listSecrets: Answer<ListSecretsRequest, ListSecretsResponse>;
  readonly describeSecret: Answer<DescribeSecretRequest, DescribeSecretResponse>;
}

/** The RPCs that look without a payload, answered by a manager. */
export function lookingRpcs(manager: SecretManager): LookingRpcs {
  return {
    listSecrets: async ({ prefix, tags, showDeleted, pageSize, pageToken }, call) => {
      const token = pageToken === "" ? undefined : pageToken;
      const query = { prefix, tags: Object.fromEntries(tags), showDeleted, pageSize, pageToken: token };
      const { secrets, nextPageToken = "" } = await memberOf(manager, "listSecrets")(query, call);
      return { secrets: secrets.map(encodeDescription), nextPageToken };
    },
    describeSecret: async ({ name }, call) => {
      const reply = await memberOf(manager, "describeSecret")(name, call);
      if (reply === undefined) throw SecretError.notFound(name);
      return { secret: encodeDescription(reply), versions: (reply.versions ?? []).map(encodeVersion) };
    },
  };
}

/** Tells a broker of changes until one of both ends it. */
export async function watchSecrets(
  manager: SecretManager,
  wire: ServerWritableStream<WatchSecretsRequest, WatchSecretsResponse>,
): Promise<void> {
  const { afterRevision, fromNow } = wire.request;
  const call = callOf(wire, wire.request.call);
  const events = memberOf(manager, "watchSecrets")(fromNow ? undefined : afterRevision, call);
  for await (const event of events) {
    if (call.signal.aborted) break;
    const message = encodeEvent(event);
    // A broker that reads slowly is told no faster than it reads.
    if (message !== undefined && !wire.write(message))
      await once(wire, "drain", { signal: call.signal }).catch(() => undefined);
  }
  wire.end();
}

/** Undefined for what the protocol has no words for. */
function encodeEvent(event: WatchEvent): WatchSecretsResponse | undefined {
  const { revision } = event;
  if (event.kind === "current") return undefined;
  if (event.kind === "synced") return { event: { $case: "synced", value: true }, revision };
  return { event: { $case: event.kind, value: encodeDescription(event.secret) }, revision };
}
