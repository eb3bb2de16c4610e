import type { BatchReadReply, ReadReply, SecretManager } from "../contract/secret-manager.js";
import { type Payload, payloadByteLength } from "../domain/payload.js";
import { SecretError } from "../domain/secret-error.js";
import type {
  BatchReadResult,
  BatchReadSecretsRequest,
  BatchReadSecretsResponse,
  ReadSecretRequest,
  ReadSecretResponse,
} from "../gen/secretbroker/manager/v1/secret_manager.js";
import { encodeVersion } from "../managers/remote/wire/descriptions.js";
import { encodePayload, encodeTags } from "../managers/remote/wire/payloads.js";
import { encodeStatus } from "../rpc/encode-status.js";
import { failureFor } from "./hosted-call.js";
import { type Answer, memberOf } from "./member-of.js";

/** The RPCs that read. */
export interface ReadingRpcs {
  readonly readSecret: Answer<ReadSecretRequest, ReadSecretResponse>;
  readonly batchReadSecrets: Answer<BatchReadSecretsRequest, BatchReadSecretsResponse>;
}

/** The RPCs that read, answered by a manager. */
export function readingRpcs(manager: SecretManager): ReadingRpcs {
  return {
    readSecret: async ({ name, version }, call) => {
      const reply =
        version === undefined
          ? await manager.readSecret(name, call)
          : await memberOf(manager, "readSecretVersion")(name, version, call);
      if (reply === undefined) throw absent(name, version);
      return encodeReply(name, reply);
    },
    batchReadSecrets: async ({ reads }, call) => {
      const asked = reads.map(({ name, version, options = {} }) => ({ name, version, options }));
      const replies = await memberOf(manager, "batchReadSecrets")(asked, call);
      return { results: asked.map(({ name, version }, index) => encodeResult(replies[index], name, version)) };
    },
  };
}

function encodeResult(item: BatchReadReply | undefined, name: string, version: number | undefined): BatchReadResult {
  try {
    if (item === undefined) throw new TypeError("a read of the batch was not answered");
    if ("error" in item) throw item.error;
    if (item.reply === undefined) throw absent(name, version);
    return { result: { $case: "secret", value: encodeReply(name, item.reply) } };
  } catch (thrown) {
    return { result: { $case: "error", value: encodeStatus(failureFor(thrown), "") } };
  }
}

function encodeReply(name: string, answer: Payload | ReadReply): ReadSecretResponse {
  const reply: ReadReply = typeof answer === "string" || answer instanceof Uint8Array ? { value: answer } : answer;
  // Whatever else a class in plain JavaScript answers with must fail here, not become an empty secret.
  payloadByteLength(reply.value);
  const { value, description = "", tags, version, uid, createTime, expireTime } = reply;
  return {
    name,
    payload: encodePayload(value),
    version: encodeVersion({ version, uid, createTime, expireTime }),
    description,
    tags: encodeTags(tags),
  };
}

function absent(name: string, version: number | undefined): SecretError {
  return version === undefined ? SecretError.notFound(name) : SecretError.versionNotFound(name, version);
}
