import { BatchRoom } from "../../src/broker/batch-room.js";
import { Call } from "../../src/broker/call.js";
import { GuardedManager } from "../../src/broker/guarded-manager.js";
import type { ManagerCall } from "../../src/contract/manager-call.js";
import type { ReadReply, SecretManager, WatchEvent } from "../../src/contract/secret-manager.js";
import type { Secret } from "../../src/domain/secret.js";
import { parseSecretName, type SecretName } from "../../src/domain/secret-name.js";
import { BrokerMetrics } from "../../src/telemetry/broker-metrics.js";

/** A guarded manager in the shape of a manager again, with the members the manager behind it has. */
export function guardedAsManager(manager: SecretManager): SecretManager {
  const quiet = (): void => undefined;
  const guarded = new GuardedManager(manager, {
    log: { error: quiet, warn: quiet, info: quiet, debug: quiet },
    metrics: new BrokerMetrics(),
    maxPayloadBytes: () => 1024 * 1024,
  });
  return {
    managerName: guarded.name,
    supports: manager.supports,
    readSecret: async (name, call) => replyOf(await guarded.read(callOf(call), subjectOf(name, call))),
    validateEnvironment: () => manager.validateEnvironment?.(),
    checkHealth: (call) => guarded.isHealthy(callOf(call)),
    ...(manager.close && { close: () => guarded.close() }),
    ...changingMembers(manager, guarded),
    ...lookingMembers(manager, guarded),
  };
}

function changingMembers(manager: SecretManager, guarded: GuardedManager): Partial<SecretManager> {
  return {
    ...(manager.writeSecret && {
      // eslint-disable-next-line max-params -- the contract's
      writeSecret: (name, payload, options, call) =>
        guarded.write(callOf(call), subjectOf(name, call), { ...options, payload }),
    }),
    ...(manager.deleteSecret && {
      deleteSecret: (name, options, call) => guarded.delete(callOf(call), subjectOf(name, call), options),
    }),
    ...(manager.rotateSecret && {
      // eslint-disable-next-line max-params -- the contract's
      rotateSecret: (name, newName, payload, options, call) =>
        guarded.rotate(callOf(call), subjectOf(name, call), {
          ...options,
          payload,
          newName: parseSecretName(newName),
        }),
    }),
    ...(manager.activateSecretVersion && {
      // eslint-disable-next-line max-params -- the contract's
      activateSecretVersion: (name, version, options, call) =>
        guarded.activate(callOf(call), subjectOf(name, call), { ...options, version }),
    }),
    ...(manager.restoreSecret && {
      restoreSecret: (name, { uid }, call) => guarded.restore(callOf(call), subjectOf(name, call), uid),
    }),
    ...(manager.destroySecret && {
      destroySecret: (name, target, call) => guarded.destroy(callOf(call), subjectOf(name, call), target),
    }),
  };
}

function lookingMembers(manager: SecretManager, guarded: GuardedManager): Partial<SecretManager> {
  return {
    ...(manager.readSecretVersion && {
      readSecretVersion: async (name, version, call) =>
        replyOf(await guarded.readVersion(callOf(call), subjectOf(name, call), version)),
    }),
    ...(manager.listSecrets && {
      listSecrets: (query, call) => guarded.list(callOf(call), query, call.options),
    }),
    ...(manager.batchReadSecrets && {
      batchReadSecrets: async (reads, call) => {
        const asked = reads.map(({ name, version, options }) => ({ name: parseSecretName(name), version, options }));
        const results = await guarded.batchRead(callOf(call), asked, new BatchRoom(Infinity));
        return results.map((result) => ("error" in result ? result : { reply: replyOf(result.secret) }));
      },
    }),
    ...(manager.watchSecrets && { watchSecrets: (after, call) => untilAborted(guarded, after, call) }),
    ...(manager.describeSecret && {
      describeSecret: (name, call) => guarded.describe(callOf(call), subjectOf(name, call)),
    }),
  };
}

/** As a manager's own watch ends: without a failure. */
async function* untilAborted(
  guarded: GuardedManager,
  after: bigint | undefined,
  call: ManagerCall,
): AsyncGenerator<WatchEvent> {
  try {
    yield* guarded.watch(callOf(call), after);
  } catch (error) {
    if (!call.signal.aborted) throw error;
  }
}

function callOf({ principal = "conformance", requestId, deadline, signal }: ManagerCall): Call {
  const call = new Call({
    caller: { principal, groups: [], provenBy: "none", peer: "unix" },
    requestId,
    deadlineMs: deadline.getTime(),
  });
  if (signal.aborted) call.cancel();
  signal.addEventListener("abort", () => {
    call.cancel();
  });
  return call;
}

function subjectOf(name: string, { options }: ManagerCall): { name: SecretName; options: ManagerCall["options"] } {
  return { name: parseSecretName(name), options };
}

function replyOf(secret: Secret | undefined): ReadReply | undefined {
  if (secret === undefined) return undefined;
  const { payload: value, version, uid, createTime, expireTime, description, tags } = secret;
  return { value, version, uid, createTime, expireTime, description, tags };
}
