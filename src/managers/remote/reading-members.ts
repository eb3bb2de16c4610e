import type { ManagerCall } from "../../contract/manager-call.js";
import type { BatchRead, BatchReadReply, ReadReply, SecretManager } from "../../contract/secret-manager.js";
import { isSecretError } from "../../domain/secret-error.js";
import type {
  BatchReadResult,
  BatchReadSecretsResponse,
  ReadSecretResponse,
} from "../../gen/secretbroker/manager/v1/secret_manager.js";
import { Metadata } from "@grpc/grpc-js";
import { Status } from "../../gen/google/rpc/status.js";
import { statusDetailsKey } from "../../rpc/encode-status.js";
import { type Asking, contextOf } from "./asking.js";
import { failureOfCall, invalidReply } from "./call-failure.js";
import { decodeText, decodeVersion } from "./wire/descriptions.js";
import { decodePayload, decodeTags } from "./wire/payloads.js";
import { managerRpcs } from "./wire/rpcs.js";

type ReadingMembers = Required<Pick<SecretManager, "readSecretVersion" | "batchReadSecrets">> & {
  readonly readSecret: (name: string, call: ManagerCall) => Promise<ReadReply | undefined>;
};

/** What a read was asked for. */
interface Asked {
  readonly name: string;
  readonly version?: number | undefined;
}

/** The members that read. @param keepsVersions whether every answer must carry a version's number */
export function readingMembers(asking: Asking, keepsVersions: boolean): ReadingMembers {
  const read = async (asked: Asked, call: ManagerCall): Promise<ReadReply | undefined> => {
    const { name, version } = asked;
    const request = { name, version, call: contextOf(call) };
    return await unlessAbsent(async () => {
      return readReplyOf(await asking.ask(managerRpcs.readSecret, request, call), asked, keepsVersions);
    });
  };
  return {
    readSecret: async (name, call) => await read({ name }, call),
    readSecretVersion: async (name, version, call) => await read({ name, version }, call),
    batchReadSecrets: async (reads, call) => {
      if (reads.length === 0) return [];
      const request = { reads: reads.map(encodeBatchRead), call: contextOf(call) };
      const response = await asking.ask(managerRpcs.batchReadSecrets, request, call);
      return batchReplyOf(response, reads, keepsVersions);
    },
  };
}

/** Undefined for what is confirmed absent. */
export async function unlessAbsent<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    if (isAbsence(thrown)) return undefined;
    throw thrown;
  }
}

function isAbsence(thrown: unknown): boolean {
  return isSecretError(thrown) && (thrown.reason === "SECRET_NOT_FOUND" || thrown.reason === "VERSION_NOT_FOUND");
}

function readReplyOf(response: ReadSecretResponse, asked: Asked, keepsVersions: boolean): ReadReply {
  if (response.name !== asked.name) throw invalidReply("another secret than the one asked for");
  const value = decodePayload(response.payload);
  if (value === undefined) throw invalidReply("a secret without a payload");
  const described = response.version && decodeVersion(response.version);
  const { version, uid, createTime, expireTime } = described ?? {};
  if (keepsVersions) assertVersion(version, asked.version);
  const description = decodeText(response.description);
  return { value, version, uid, createTime, expireTime, description, tags: decodeTags(response.tags) };
}

function assertVersion(version: number | undefined, asked: number | undefined): void {
  if (version === undefined) throw invalidReply("a secret without the number of a version");
  if (asked !== undefined && version !== asked) throw invalidReply("another version than the one asked for");
}

function encodeBatchRead({ name, version, options }: BatchRead): {
  name: string;
  version: number | undefined;
  options: Readonly<Record<string, unknown>> | undefined;
} {
  return { name, version, options: Object.keys(options).length === 0 ? undefined : options };
}

function batchReplyOf(
  { results }: BatchReadSecretsResponse,
  reads: readonly BatchRead[],
  keepsVersions: boolean,
): readonly BatchReadReply[] {
  if (results.length !== reads.length) throw invalidReply("another number of results than there were reads");
  return reads.map((asked, index) => {
    try {
      return { reply: oneOf(results[index], asked, keepsVersions) };
    } catch (error) {
      return isAbsence(error) ? { reply: undefined } : { error };
    }
  });
}

function oneOf(item: BatchReadResult | undefined, asked: Asked, keepsVersions: boolean): ReadReply {
  const result = item?.result;
  if (result === undefined) throw invalidReply("an empty result");
  if (result.$case === "secret") return readReplyOf(result.value, asked, keepsVersions);
  const metadata = new Metadata();
  metadata.set(statusDetailsKey, Buffer.from(Status.encode(result.value).finish()));
  const { code, message: details } = result.value;
  throw failureOfCall({ code, details, metadata }, managerRpcs.batchReadSecrets.answers);
}
