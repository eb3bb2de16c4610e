import { managerLaws } from "./manager-laws.js";
import type { ManagerSubject } from "./manager-subject.js";

/** A test framework's `describe` and `it`; those of node:test, vitest, jest and mocha fit. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}

/**
 * Tests a manager, ours or your own, against every law for what it declares to be able to do.
 * @param kind what the manager is called in the report.
 * @throws TypeError when the manager can neither write nor be seeded.
 */
export function describeSecretManager(runner: TestRunner, kind: string, subject: ManagerSubject): void {
  const laws = managerLaws(subject);
  runner.describe(`${kind} keeps the contract of a secret manager`, () => {
    for (const { name, run } of laws) runner.it(name, run);
  });
}
