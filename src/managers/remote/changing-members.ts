import type { SecretManager, WriteOptions } from "../../contract/secret-manager.js";
import { type Payload, payloadByteLength } from "../../domain/payload.js";
import { isSecretError, SecretError } from "../../domain/secret-error.js";
import type {
  SecretDescription as WireDescription,
  VersionDescription as WireVersion,
} from "../../gen/secretbroker/manager/v1/secret_manager.js";
import type { SecretDescription, VersionDescription } from "../../domain/secret.js";
import { durationFromMs, optionalTimestamp } from "../../rpc/time.js";
import { type Asking, contextOf } from "./asking.js";
import { invalidReply } from "./call-failure.js";
import { decodeDescription, decodeText, decodeTime, decodeVersion } from "./wire/descriptions.js";
import { encodePayload, encodeTags } from "./wire/payloads.js";
import { managerRpcs } from "./wire/rpcs.js";

type Changes = Required<
  Pick<
    SecretManager,
    "writeSecret" | "deleteSecret" | "rotateSecret" | "activateSecretVersion" | "restoreSecret" | "destroySecret"
  >
>;

/** How the members that change are bound. */
export interface ChangeRules {
  /** Whether every answer must carry a version's number. */
  readonly keepsVersions: boolean;
  /** The largest payload the manager takes; 0 for any. */
  readonly maxPayloadBytes: number;
}

/** The members that change something. */
export function changingMembers(asking: Asking, rules: ChangeRules): Changes {
  return { ...writingMembers(asking, rules), ...lifecycleMembers(asking) };
}

type Writing = Pick<Changes, "writeSecret" | "deleteSecret" | "rotateSecret">;

function writingMembers(asking: Asking, { keepsVersions, maxPayloadBytes }: ChangeRules): Writing {
  return {
    writeSecret: async (...[name, value, options, call]) => {
      assertSize(value, maxPayloadBytes);
      const request = { name, payload: encodePayload(value), ...encodeWriteOptions(options), call: contextOf(call) };
      const asked = asking.ask(managerRpcs.writeSecret, request, call);
      const { version } = await asked.catch(repeated(options.requestId !== undefined && options.expectedVersion !== 0));
      return versionOf(version, keepsVersions);
    },
    deleteSecret: async (name, { recoveryWindowInDays, expectedVersion, requestId = "" }, call) => {
      const request = { name, recoveryWindowInDays, expectedVersion, requestId, call: contextOf(call) };
      const reply = await asking.ask(managerRpcs.deleteSecret, request, call).catch(repeated(true));
      const restorableUntil = decodeTime(reply.restorableUntil);
      return { status: reply.deleted ? "deleted" : "not_found", uid: decodeText(reply.uid), restorableUntil };
    },
    rotateSecret: async (...[name, newName, value, { gracePeriodMs }, call]) => {
      assertSize(value, maxPayloadBytes);
      const gracePeriod = gracePeriodMs === undefined ? undefined : durationFromMs(gracePeriodMs);
      const request = { name, newName, payload: encodePayload(value), gracePeriod, call: contextOf(call) };
      const reply = await asking.ask(managerRpcs.rotateSecret, request, call);
      const previousRestorableUntil = decodeTime(reply.previousRestorableUntil);
      return { ...versionOf(reply.version, keepsVersions), previousRestorableUntil };
    },
  };
}

type Lifecycle = Pick<Changes, "activateSecretVersion" | "restoreSecret" | "destroySecret">;

function lifecycleMembers(asking: Asking): Lifecycle {
  return {
    activateSecretVersion: async (...[name, version, { expectedVersion }, call]) => {
      const request = { name, version, expectedVersion, call: contextOf(call) };
      const { secret } = await asking.ask(managerRpcs.activateSecretVersion, request, call);
      return descriptionOf(secret, name);
    },
    restoreSecret: async (name, { uid = "" }, call) => {
      const request = { name, uid, call: contextOf(call) };
      const { secret } = await asking.ask(managerRpcs.restoreSecret, request, call);
      return descriptionOf(secret, name);
    },
    destroySecret: async (name, target, call) => {
      const chosen =
        "uid" in target
          ? ({ $case: "uid", value: target.uid } as const)
          : ({ $case: "version", value: target.version } as const);
      await asking.ask(managerRpcs.destroySecret, { name, target: chosen, call: contextOf(call) }, call);
    },
  };
}

function encodeWriteOptions(options: WriteOptions): {
  description: string | undefined;
  tags: Map<string, string>;
  clearTags: boolean;
  expectedVersion: number | undefined;
  requestId: string;
  expireTime: ReturnType<typeof optionalTimestamp>;
  activate: boolean;
} {
  const { description, tags, expectedVersion, requestId = "", expireTime, activate = true } = options;
  return {
    description,
    tags: encodeTags(tags),
    clearTags: tags !== undefined && Object.keys(tags).length === 0,
    expectedVersion,
    requestId,
    expireTime: optionalTimestamp(expireTime),
    activate,
  };
}

function assertSize(value: Payload, maxPayloadBytes: number): void {
  if (maxPayloadBytes === 0 || payloadByteLength(value) <= maxPayloadBytes) return;
  const description = `must be at most ${String(maxPayloadBytes)} bytes for this manager`;
  throw SecretError.fieldInvalid([{ field: "payload", description }]);
}

/** A bare ALREADY_EXISTS for what need not be new is about the request id. */
function repeated(canOnlyBeTheId: boolean): (thrown: unknown) => never {
  return (thrown) => {
    if (canOnlyBeTheId && isSecretError(thrown) && thrown.reason === "SECRET_EXISTS") {
      throw new SecretError("IDEMPOTENCY_CONFLICT", "the manager answered IDEMPOTENCY_CONFLICT", { cause: thrown });
    }
    throw thrown;
  };
}

function versionOf(version: WireVersion | undefined, keepsVersions: boolean): VersionDescription {
  const described = version === undefined ? {} : decodeVersion(version);
  if (keepsVersions && described.version === undefined) throw invalidReply("a change without the number of a version");
  return described;
}

function descriptionOf(secret: WireDescription | undefined, name: string): SecretDescription {
  if (secret?.name !== name) throw invalidReply("another secret than the one asked for");
  return decodeDescription(secret);
}
