import { createHash } from "node:crypto";
import { secretRpcs } from "../../client/rpcs/secret-rpcs.js";
import type { ManagerCall } from "../../contract/manager-call.js";
import type { RotateOptions, SecretManager, WriteOptions } from "../../contract/secret-manager.js";
import type { Payload } from "../../domain/payload.js";
import { optionsOf } from "./reading-members.js";
import type { UpstreamLink } from "./upstream-link.js";

type ChangingMembers = Required<
  Pick<
    SecretManager,
    "writeSecret" | "deleteSecret" | "rotateSecret" | "activateSecretVersion" | "restoreSecret" | "destroySecret"
  >
>;

/** The same, each with a promise. */
type AskingMembers = {
  readonly [Member in keyof ChangingMembers]: (
    ...asked: Parameters<ChangingMembers[Member]>
  ) => Promise<Awaited<ReturnType<ChangingMembers[Member]>>>;
};

/**
 * The members that change something.
 * @param forget told of each name once that is done, also when it failed: the change may have been made
 */
export function changingMembers(link: UpstreamLink, forget: (name: string) => void): ChangingMembers {
  const members = askingMembers(link);
  return {
    writeSecret: (...asked) => members.writeSecret(...asked).finally(() => forget(asked[0])),
    deleteSecret: (...asked) => members.deleteSecret(...asked).finally(() => forget(asked[0])),
    rotateSecret: (...asked) =>
      members.rotateSecret(...asked).finally(() => {
        forget(asked[0]);
        forget(asked[1]);
      }),
    activateSecretVersion: (...asked) => members.activateSecretVersion(...asked).finally(() => forget(asked[0])),
    restoreSecret: (...asked) => members.restoreSecret(...asked).finally(() => forget(asked[0])),
    destroySecret: (...asked) => members.destroySecret(...asked).finally(() => forget(asked[0])),
  };
}

function askingMembers(link: UpstreamLink): AskingMembers {
  return {
    writeSecret: async (...[name, payload, options, call]: [string, Payload, WriteOptions, ManagerCall]) => {
      const { requestId, ...written } = options;
      const idempotencyId = idempotencyIdOf(requestId, call);
      const request = { name, payload, ...written, idempotencyId, options: optionsOf(call) };
      return await link.ask(secretRpcs.writeSecret, request, call);
    },
    deleteSecret: async (name, { requestId, ...deletion }, call) => {
      const idempotencyId = idempotencyIdOf(requestId, call);
      return await link.ask(
        secretRpcs.deleteSecret,
        { name, ...deletion, idempotencyId, options: optionsOf(call) },
        call,
      );
    },
    rotateSecret: async (
      ...[name, newName, payload, { gracePeriodMs }, call]: [string, string, Payload, RotateOptions, ManagerCall]
    ) => {
      const renamed = newName === name ? {} : { newName };
      const request = { name, ...renamed, payload, gracePeriodMs, options: optionsOf(call) };
      return await link.ask(secretRpcs.rotateSecret, request, call);
    },
    activateSecretVersion: async (
      ...[name, version, { expectedVersion }, call]: Parameters<ChangingMembers["activateSecretVersion"]>
    ) => {
      const request = { name, version, expectedVersion, options: optionsOf(call) };
      return await link.ask(secretRpcs.activateSecretVersion, request, call);
    },
    restoreSecret: async (name, { uid }, call) =>
      await link.ask(secretRpcs.restoreSecret, { name, uid, options: optionsOf(call) }, call),
    destroySecret: async (name, target, call) => {
      await link.ask(secretRpcs.destroySecret, { name, ...target, options: optionsOf(call) }, call);
    },
  };
}

/** To the central broker all callers are one; two of them that use the same id must not be taken for each other. */
function idempotencyIdOf(requestId: string | undefined, { principal }: ManagerCall): string | undefined {
  if (requestId === undefined) return undefined;
  return createHash("sha256")
    .update(JSON.stringify([principal ?? null, requestId]))
    .digest("base64url");
}
