import type { SecretManager, WriteOptions } from "../contract/secret-manager.js";
import { SecretError } from "../domain/secret-error.js";
import type * as messages from "../gen/secretbroker/manager/v1/secret_manager.js";
import { decodeTime, encodeDescription, encodeVersion } from "../managers/remote/wire/descriptions.js";
import { decodePayload } from "../managers/remote/wire/payloads.js";
import { msFromDuration, optionalTimestamp } from "../rpc/time.js";
import type { Payload } from "../domain/payload.js";
import { type Answer, memberOf } from "./member-of.js";

/** The RPCs that change something. */
export interface ChangingRpcs {
  readonly writeSecret: Answer<messages.WriteSecretRequest, messages.WriteSecretResponse>;
  readonly deleteSecret: Answer<messages.DeleteSecretRequest, messages.DeleteSecretResponse>;
  readonly rotateSecret: Answer<messages.RotateSecretRequest, messages.RotateSecretResponse>;
  readonly activateSecretVersion: Answer<messages.ActivateSecretVersionRequest, messages.ActivateSecretVersionResponse>;
  readonly restoreSecret: Answer<messages.RestoreSecretRequest, messages.RestoreSecretResponse>;
  readonly destroySecret: Answer<messages.DestroySecretRequest, messages.DestroySecretResponse>;
}

/** The RPCs that change something, answered by a manager. */
export function changingRpcs(manager: SecretManager): ChangingRpcs {
  return { ...writingRpcs(manager), ...lifecycleRpcs(manager) };
}

function writingRpcs(manager: SecretManager): Pick<ChangingRpcs, "writeSecret" | "deleteSecret" | "rotateSecret"> {
  return {
    writeSecret: async (request, call) => {
      const value = payloadOf(request.payload);
      const reply = await memberOf(manager, "writeSecret")(request.name, value, writeOptionsOf(request), call);
      return { version: encodeVersion(reply ?? {}) };
    },
    deleteSecret: async ({ name, recoveryWindowInDays, expectedVersion, requestId }, call) => {
      const options = { recoveryWindowInDays, expectedVersion, requestId: requestId === "" ? undefined : requestId };
      const reply = await memberOf(manager, "deleteSecret")(name, options, call);
      if (typeof reply !== "object") return { deleted: reply !== false, uid: "", restorableUntil: undefined };
      const { status, uid = "", restorableUntil } = reply;
      return { deleted: status === "deleted", uid, restorableUntil: optionalTimestamp(restorableUntil) };
    },
    rotateSecret: async ({ name, newName, payload, gracePeriod }, call) => {
      const options = gracePeriod === undefined ? {} : { gracePeriodMs: msFromDuration(gracePeriod) };
      const rotate = memberOf(manager, "rotateSecret");
      const reply = (await rotate(name, newName, payloadOf(payload), options, call)) ?? {};
      const previousRestorableUntil = optionalTimestamp(reply.previousRestorableUntil);
      return { version: encodeVersion(reply), previousRestorableUntil };
    },
  };
}

function lifecycleRpcs(
  manager: SecretManager,
): Pick<ChangingRpcs, "activateSecretVersion" | "restoreSecret" | "destroySecret"> {
  return {
    activateSecretVersion: async ({ name, version, expectedVersion }, call) => {
      const activate = memberOf(manager, "activateSecretVersion");
      return { secret: encodeDescription(await activate(name, version, { expectedVersion }, call)) };
    },
    restoreSecret: async ({ name, uid }, call) => {
      const options = { uid: uid === "" ? undefined : uid };
      return { secret: encodeDescription(await memberOf(manager, "restoreSecret")(name, options, call)) };
    },
    destroySecret: async ({ name, target }, call) => {
      if (target === undefined) throw invalid("target", "must be set");
      const chosen = target.$case === "uid" ? { uid: target.value } : { version: target.value };
      await memberOf(manager, "destroySecret")(name, chosen, call);
      return {};
    },
  };
}

function writeOptionsOf(request: messages.WriteSecretRequest): WriteOptions {
  const { description, tags, clearTags, expectedVersion, requestId, expireTime, activate } = request;
  return {
    description,
    tags: tags.size > 0 || clearTags ? Object.fromEntries(tags) : undefined,
    expectedVersion,
    requestId: requestId === "" ? undefined : requestId,
    expireTime: decodeTime(expireTime),
    activate,
  };
}

function payloadOf(message: messages.Payload | undefined): Payload {
  const payload = decodePayload(message);
  if (payload === undefined) throw invalid("payload", "must be set");
  return payload;
}

function invalid(field: string, description: string): SecretError {
  return SecretError.fieldInvalid([{ field, description }]);
}
