import type { AuditLog } from "../audit/audit-log.js";
import type { AuditPhase, AuditRecord } from "../audit/audit-record.js";
import type { Action } from "../domain/action.js";
import type { Payload } from "../domain/payload.js";
import type { Secret } from "../domain/secret.js";
import { isSecretError, SecretError } from "../domain/secret-error.js";
import type { SecretName } from "../domain/secret-name.js";
import { decideNames } from "../policy/decide-names.js";
import type { Decision, DenialReason, Part, Policy } from "../policy/policy.js";
import type { BrokerMetrics } from "../telemetry/broker-metrics.js";
import type { Call } from "./call.js";
import type { Options } from "./guarded-call.js";
import type { PayloadHashes } from "./payload-hashes.js";

/** What enforcement works with. */
export interface EnforcementOptions {
  readonly audit: AuditLog;
  readonly metrics: BrokerMetrics;
  /** The policy in force now. */
  readonly policy: () => Policy;
  /** Tells payloads apart in records. */
  readonly payloadHashes: PayloadHashes;
}

/** What a call wants to do. */
export interface Access {
  readonly action: Action;
  /** The names it touches; none for an action that has no one name. */
  readonly names: readonly SecretName[];
  /** What it wants of its one name, when that is not all of the active version. */
  readonly part?: Part | undefined;
  /** Whether it changes what is stored: then it is on record before the manager hears of it. */
  readonly isChange: boolean;
  /** What the caller gives the manager to go by; the record has its keys. */
  readonly options?: Options | undefined;
  /** Why, in the caller's words. */
  readonly cause?: string | undefined;
}

/** What the record of a success says beyond `ok`. */
export interface Outcome {
  readonly outcome?: "ok" | "not_modified" | "not_found" | undefined;
  readonly version?: number | undefined;
  readonly uid?: string | undefined;
  /** Whose payload leaves. */
  readonly released?: Secret | undefined;
  /** What was stored. */
  readonly stored?: Payload | undefined;
}

const messages: Readonly<Record<DenialReason, (action: Action, name: string | undefined) => string>> = {
  POLICY_DENIED: (action, name) => `policy does not allow to ${action}${quoted(name)}`,
  ACCESS_MODE_DENIED: (action, name) => `the configured access mode does not allow to ${action}${quoted(name)}`,
  KEY_NOT_HOSTED: (_action, name) => `${quoted(name).trimStart()} is not a hosted key of this broker`,
};

/**
 * The one place that decides, and the only way to a manager: no decision, no access; no record, no access.
 *
 * A denied call is recorded and refused. A read is recorded with its outcome before the answer leaves. A change is
 * recorded before the manager hears of it, and again with its outcome.
 */
export class Enforcement {
  readonly #options: EnforcementOptions;

  constructor(options: EnforcementOptions) {
    this.#options = options;
  }

  /**
   * Lets the work reach the manager if policy allows it and audit can record it.
   * @param describe what the record says of a result
   * @throws SecretError `POLICY_DENIED`, `ACCESS_MODE_DENIED`, `KEY_NOT_HOSTED`, `AUDIT_UNAVAILABLE`, and the work's own
   */
  async perform<T>(
    [call, access]: readonly [Call, Access],
    work: () => T | Promise<T>,
    describe: (result: T) => Outcome,
  ): Promise<T> {
    const decision = this.#decide(call, access);
    if (!decision.allowed) return await this.#refuse(call, access, decision);
    this.#options.audit.assertAvailable();
    const { rule } = decision;
    if (access.isChange) await this.#record(call, access, { phase: "attempt", rule });
    let result: T;
    try {
      const pending = work();
      result = pending instanceof Promise ? await this.#options.audit.awaitElsewhere(pending) : pending;
    } catch (error) {
      return await this.#recordFailure(call, access, { rule, error });
    }
    const { outcome = "ok", version, uid, released, stored } = describe(result);
    const payloadHash = this.#options.payloadHashes.hash(released, stored);
    await this.#record(call, access, { phase: "outcome", rule, outcome, version, uid, payloadHash });
    return result;
  }

  /** Whether the caller may do something to a name it found by another way; not recorded, as nothing is released. */
  mayAlso(call: Call, action: Action, subject: Part & { readonly name: SecretName }): boolean {
    return this.#options.policy().decide(call.caller, action, subject.name, subject).allowed;
  }

  #decide(call: Call, access: Access): Decision {
    const decision = decideNames(this.#options.policy(), call.caller, access);
    this.#options.metrics.decision(decision.allowed);
    return decision;
  }

  async #refuse(call: Call, access: Access, decision: Decision & { allowed: false }): Promise<never> {
    const { reason, rule } = decision;
    const name =
      access.names.length === 1
        ? access.names[0]
        : access.names.find((each) => !this.mayAlso(call, access.action, { name: each }));
    await this.#record(call, access, { phase: "outcome", rule, outcome: reason, allowed: false });
    throw new SecretError(reason, messages[reason](access.action, name), {
      metadata: { action: access.action, ...(name !== undefined && { name }) },
    });
  }

  async #recordFailure(call: Call, access: Access, { rule, error }: { rule: string; error: unknown }): Promise<never> {
    const outcome = isSecretError(error) ? error.reason : "INTERNAL_ERROR";
    await this.#record(call, access, { phase: "outcome", rule, outcome });
    throw error;
  }

  #record(call: Call, access: Access, entry: Entry): Promise<void> {
    const { names } = access;
    if (names.length <= 1) return this.#options.audit.record(recordOf(call, access, names[0], entry));
    const records = names.map((name) => this.#options.audit.record(recordOf(call, access, name, entry)));
    return Promise.all(records).then(() => undefined);
  }
}

// eslint-disable-next-line max-params -- on every call's way: an object to name them would be made for each
function recordOf(call: Call, access: Access, name: SecretName | undefined, entry: Entry): AuditRecord {
  const { requestId, caller, startMs, deadlineMs } = call;
  const { action, part: asked, options, cause } = access;
  const { phase, rule, outcome, version, uid, payloadHash, allowed = true } = entry;
  // A watch lives for hours, and how long is nothing about its records.
  const latencyMs = phase === "attempt" || deadlineMs === Infinity ? undefined : performance.now() - startMs;
  const optionKeys = options === undefined ? undefined : Object.keys(options);
  // prettier-ignore
  return {
    phase, requestId, caller, action, name, asked, allowed, rule, outcome,
    version, uid, payloadHash, optionKeys, cause, latencyMs,
  };
}

/** The part of a record that differs between the steps of one call. */
interface Entry {
  readonly phase: AuditPhase;
  readonly rule: string;
  readonly allowed?: boolean;
  readonly outcome?: string | undefined;
  readonly version?: number | undefined;
  readonly uid?: string | undefined;
  readonly payloadHash?: string | undefined;
}

function quoted(name: string | undefined): string {
  return name === undefined ? "" : ` "${name}"`;
}
