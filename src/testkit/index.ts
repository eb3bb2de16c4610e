/**
 * What a manager of your own, and the tests around a broker, are tested with.
 * @packageDocumentation
 */
export { findLeaks, plantCanaries, type Canaries, type Leak } from "./canary.js";
export { describeSecretManager, type TestRunner } from "./describe-secret-manager.js";
export { FakeClock } from "./fake-clock.js";
export type { Law } from "./law.js";
export { managerLaws } from "./manager-laws.js";
export type { ManagerSubject } from "./manager-subject.js";
export { serveManager, type ServedManager, type ServeManagerOptions } from "../manager-host/serve-manager.js";
export { verifyManager, type CheckResult, type VerifyOptions, type VerifyReport } from "./verify/verify-manager.js";
export type { ManagerSemantics } from "./verify/manager-semantics.js";
export type { Capability } from "../domain/capability.js";
