import { status } from "@grpc/grpc-js";
import type {
  BatchReadResult,
  Payload,
  ReadAnswer,
  ReadRequest,
  SecretBrokerClient,
  SecretDescription,
  SecretError,
  SecretStore,
  Tags,
  VersionDescription,
} from "../../src/client/index.js";
import { statusByReason } from "../../src/rpc/status-by-reason.js";
import type { Json, JsonObject } from "./run-vectors.js";

type Call = (client: SecretBrokerClient, args: JsonObject, store: SecretStore) => Promise<JsonObject>;

/** How each operation of the vectors is called with this client, or with the store of who calls. */
export const vectorCalls: Readonly<Record<string, Call>> = {
  read: async (client, args) => shownRead(await client.readSecret(readRequest(args))),
  batch: async (client, args) => {
    const reads = (args["reads"] as readonly JsonObject[]).map(readRequest);
    const results = await client.batchReadSecrets({ reads, atomic: args["atomic"] === true });
    return { results: results.map(shownResult) };
  },
  list: async (client, args) => {
    const { secrets, nextPageToken } = await client.listSecrets({
      prefix: text(args["prefix"]),
      tags: args["tags"] as Tags | undefined,
      showDeleted: args["show_deleted"] === true,
      pageSize: number(args["page_size"]),
      pageToken: text(args["page_token"]),
    });
    return { secrets: secrets.map(shownSecret), next_page_token: nextPageToken ?? null };
  },
  describe: async (client, args) => {
    const described = await client.describeSecret({ name: name(args) });
    return {
      secret: shownSecret(described),
      versions: described.versions.map(shownVersion),
      changed_by: described.changedBy ?? null,
    };
  },
  write: async (client, args) => {
    const written = await client.writeSecret({
      name: name(args),
      payload: payload(args),
      description: text(args["description"]),
      tags: args["tags"] as Tags | undefined,
      expectedVersion: number(args["expected_version"]),
      idempotencyId: text(args["request_id"]),
      activate: args["activate"] as boolean | undefined,
    });
    return shownVersion(written);
  },
  delete: async (client, args) => {
    const {
      status: outcome,
      uid,
      restorableUntil,
    } = await client.deleteSecret({
      name: name(args),
      recoveryWindowInDays: number(args["recovery_window_in_days"]),
      expectedVersion: number(args["expected_version"]),
      mustExist: args["must_exist"] === true,
      idempotencyId: text(args["request_id"]),
    });
    return { status: outcome, uid: uid ?? null, restorable: restorableUntil !== undefined };
  },
  rotate: async (client, args) => {
    const rotated = await client.rotateSecret({
      name: name(args),
      newName: text(args["new_name"]),
      payload: payload(args),
      gracePeriodMs: number(args["grace_period_ms"]),
    });
    return shownVersion(rotated);
  },
  get: async (_client, args, store) => {
    const { payload: held, version } = await store.read(name(args));
    return { version: version ?? 0, ...shownPayload(held) };
  },
};

/** A failure as the vectors show it. */
export function shownError({ reason, violations, metadata, retryAfterMs }: SecretError): JsonObject {
  return {
    status: status[statusByReason[reason].code],
    reason,
    fields: violations.map(({ field }) => field),
    metadata: { ...metadata },
    retry: retryAfterMs !== undefined,
  };
}

function readRequest(args: JsonObject): ReadRequest {
  return {
    name: name(args),
    version: number(args["version"]),
    field: text(args["field"]),
    knownVersion: number(args["known_version"]),
    maxStalenessMs: number(args["max_staleness_ms"]),
  };
}

function shownRead(answer: ReadAnswer): JsonObject {
  const { notModified, servedFrom } = answer;
  if (notModified) return { not_modified: notModified, version: answer.version ?? 0, served_from: servedFrom };
  const { secret } = answer;
  return {
    ...{ not_modified: notModified, name: secret.name, uid: secret.uid ?? null, version: secret.version ?? 0 },
    ...{ description: secret.description ?? null, tags: secret.tags ?? {}, served_from: servedFrom },
    ...shownPayload(secret.payload),
  };
}

function shownPayload(held: Payload): JsonObject {
  return typeof held === "string" ? { text: held } : { base64: Buffer.from(held).toString("base64") };
}

function shownResult(result: BatchReadResult): JsonObject {
  return result.ok ? { read: shownRead(result.answer) } : { error: shownError(result.error) };
}

function shownSecret(secret: SecretDescription): JsonObject {
  return {
    ...{ name: secret.name, uid: secret.uid ?? null, active_version: secret.activeVersion ?? 0 },
    ...{ description: secret.description ?? null, tags: secret.tags ?? {}, deleted: secret.deleteTime !== undefined },
  };
}

function shownVersion({ version, active, uid }: VersionDescription): JsonObject {
  return { version: version ?? 0, active: active ?? false, uid: uid ?? null };
}

function name(args: JsonObject): string {
  return text(args["name"]) ?? "";
}

function payload(args: JsonObject): Payload {
  return text(args["text"]) ?? new Uint8Array(Buffer.from(text(args["base64"]) ?? "", "base64"));
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: Json | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}
