import type { Law, LawDefinition } from "./law.js";
import { batchLaws } from "./laws/batch-laws.js";
import { deleteLaws } from "./laws/delete-laws.js";
import { activationLaws, describeLaws } from "./laws/describe-laws.js";
import { expiryLaws } from "./laws/expiry-laws.js";
import { idempotencyLaws } from "./laws/idempotency-laws.js";
import { lifecycleLaws } from "./laws/lifecycle-laws.js";
import { listLaws } from "./laws/list-laws.js";
import { metadataLaws } from "./laws/metadata-laws.js";
import { nameLaws } from "./laws/name-laws.js";
import { payloadLaws } from "./laws/payload-laws.js";
import { preconditionLaws } from "./laws/precondition-laws.js";
import { readingLaws } from "./laws/reading-laws.js";
import { rotationLaws } from "./laws/rotation-laws.js";
import { watchLaws } from "./laws/watch-laws.js";
import { versionLaws, writeLaws } from "./laws/write-laws.js";
import { ManagerProbe } from "./manager-probe.js";
import type { ManagerSubject } from "./manager-subject.js";

const definitions: readonly LawDefinition[] = [
  ...readingLaws,
  ...payloadLaws,
  ...nameLaws,
  ...writeLaws,
  ...versionLaws,
  ...preconditionLaws,
  ...idempotencyLaws,
  ...metadataLaws,
  ...deleteLaws,
  ...rotationLaws,
  ...listLaws,
  ...describeLaws,
  ...activationLaws,
  ...expiryLaws,
  ...batchLaws,
  ...watchLaws,
  ...lifecycleLaws,
];

/**
 * The laws a manager of the declared capabilities must keep, as data for any test framework.
 * @throws TypeError when the manager can neither write nor be seeded, as then nothing could be shown.
 */
export function managerLaws(subject: ManagerSubject): readonly Law[] {
  if (!subject.capabilities.includes("write") && subject.seed === undefined) {
    throw new TypeError('a manager without the capability "write" needs "seed" to be tested');
  }
  return definitions
    .filter((definition) => applies(definition, subject))
    .map(({ name, check }) => ({ name, run: () => runLaw(check, subject) }));
}

function applies({ needs = [], payloads }: LawDefinition, subject: ManagerSubject): boolean {
  const keepsTextOnly = subject.payloads === "text";
  if (payloads !== undefined && (payloads === "text_only") !== keepsTextOnly) return false;
  return needs.every((capability) => subject.capabilities.includes(capability));
}

async function runLaw(check: LawDefinition["check"], subject: ManagerSubject): Promise<void> {
  const manager = await subject.open();
  try {
    await check(new ManagerProbe(manager, subject));
  } finally {
    await manager.close?.();
  }
}
