import {
  type AccessExplanation,
  type AccessQuestion,
  Administration,
  type AdministrationParts,
} from "../broker/administration.js";
import type { BrokerStatus } from "../broker/broker-status.js";
import type { Enforcement } from "../broker/enforcement.js";
import type { Freezes } from "../broker/freezes.js";
import type { SecretWatches } from "../broker/watch/secret-watches.js";
import { SecretError } from "../domain/secret-error.js";
import type { AccessExplanation as PolicyExplanation, AccessRequest } from "../policy/explain-access.js";

/** What administration is built of. */
export interface AdministrationSources {
  readonly enforcement: Enforcement;
  readonly watches: SecretWatches;
  readonly freezes: Freezes;
  readonly cache: AdministrationParts["cache"];
  readonly manager: AdministrationParts["manager"];
  readonly explain: (request: AccessRequest) => PolicyExplanation;
  readonly status: () => BrokerStatus;
  /** Undefined where the configuration did not come from a file that is read again. */
  readonly reload: () => (() => Promise<readonly string[]>) | undefined;
  readonly verifyAudit: AdministrationParts["verifyAudit"];
}

/** Puts administration together. */
export function buildAdministration({ explain, reload, ...parts }: AdministrationSources): Administration {
  return new Administration({
    ...parts,
    explain: (question) => answerQuestion(explain, question),
    reload: () => reloadWith(reload()),
  });
}

/** Groups that a credential would give are not known; those of the configuration are. */
function answerQuestion(
  explain: AdministrationSources["explain"],
  { principal, action, name }: AccessQuestion,
): AccessExplanation {
  const caller = { principal, groups: [], provenBy: "none", peer: "internal" } as const;
  const { decision, nearest } = explain({ caller, action, name });
  return {
    allowed: decision.allowed,
    rule: decision.rule,
    nearestAllowing: nearest && `${nearest.rule} ${nearest.why}`,
  };
}

async function reloadWith(reload: (() => Promise<readonly string[]>) | undefined): Promise<readonly string[]> {
  if (reload === undefined) throw new SecretError("CONFIG_INVALID", "this broker has no configuration to read again");
  return await reload();
}
