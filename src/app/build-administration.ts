import { type AccessExplanation, type AccessQuestion, Administration, noOwnTrail } from "../broker/administration.js";
import type { BrokerStatus } from "../broker/broker-status.js";
import type { Enforcement } from "../broker/enforcement.js";
import type { Freezes } from "../broker/freezes.js";
import type { SecretWatches } from "../broker/watch/secret-watches.js";
import { SecretError } from "../domain/secret-error.js";
import type { Policy } from "../policy/policy.js";

/** What administration is built of. */
export interface AdministrationSources {
  readonly enforcement: Enforcement;
  readonly watches: SecretWatches;
  readonly freezes: Freezes;
  readonly policy: () => Policy;
  readonly status: () => BrokerStatus;
  /** Undefined where the configuration did not come from a file that is read again. */
  readonly reload: () => (() => Promise<readonly string[]>) | undefined;
}

/** Puts administration together. */
export function buildAdministration({ policy, reload, ...parts }: AdministrationSources): Administration {
  return new Administration({
    ...parts,
    explain: (question) => explain(policy(), question),
    reload: () => reloadWith(reload()),
    verifyAudit: () => Promise.reject(noOwnTrail()),
  });
}

function explain(policy: Policy, { principal, action, name }: AccessQuestion): AccessExplanation {
  const caller = { principal, groups: [], provenBy: "none", peer: "internal" } as const;
  const { allowed, rule } = policy.decide(caller, action, name);
  return { allowed, rule };
}

async function reloadWith(reload: (() => Promise<readonly string[]>) | undefined): Promise<readonly string[]> {
  if (reload === undefined) throw new SecretError("CONFIG_INVALID", "this broker has no configuration to read again");
  return await reload();
}
