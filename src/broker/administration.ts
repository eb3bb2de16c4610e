import { setTimeout as delay } from "node:timers/promises";
import type { Action } from "../domain/action.js";
import type { SecretName } from "../domain/secret-name.js";
import { SecretError } from "../domain/secret-error.js";
import type { BrokerStatus } from "./broker-status.js";
import type { SecretCache } from "./cache/secret-cache.js";
import type { Call } from "./call.js";
import type { Access, Enforcement } from "./enforcement.js";
import type { Freezes } from "./freezes.js";
import type { GuardedManager } from "./guarded-manager.js";
import type { Consumer, SecretWatches } from "./watch/secret-watches.js";

/** Whether a principal may do something, and why. */
export interface AccessExplanation {
  readonly allowed: boolean;
  /** The rule that decided. */
  readonly rule: string;
  /** The rule that comes closest to allowing it; undefined when it is allowed or there is none. */
  readonly nearestAllowing?: string | undefined;
}

/** What is asked of a principal's rights. */
export interface AccessQuestion {
  readonly principal: string;
  readonly action: Action;
  /** Undefined for an action that has no one name. */
  readonly name: SecretName | undefined;
}

/** What the verification of the audit trail found. */
export interface AuditVerification {
  /** Whether nothing is wrong. */
  readonly isIntact: boolean;
  readonly records: number;
  /** The first thing that is wrong; where nothing is, what the trail cannot tell, such as links that are not kept here. */
  readonly problem: string | undefined;
}

/** What became of a freeze: it is in force, whatever the numbers are. */
export interface FreezeResult {
  /** How many watchers confirmed that they dropped the value. */
  readonly acknowledged: number;
  /** How many were told and have not confirmed. */
  readonly pending: number;
}

/** A page of live consumers. */
export interface ConsumerQuery {
  /** Only those that have it. */
  readonly name: SecretName | undefined;
  readonly pageSize: number;
  /** Only those that connected after the one with this id. */
  readonly afterId: number;
}

/** What administration works with. */
export interface AdministrationParts {
  readonly enforcement: Enforcement;
  readonly watches: SecretWatches;
  readonly freezes: Freezes;
  readonly cache: Pick<SecretCache, "drop">;
  readonly manager: Pick<GuardedManager, "forget">;
  readonly status: () => BrokerStatus;
  readonly explain: (question: AccessQuestion) => AccessExplanation;
  /** Reads the configuration again; gives the changed settings that need a restart. @throws SecretError `CONFIG_INVALID` */
  readonly reload: () => Promise<readonly string[]>;
  /** @throws SecretError `CAPABILITY_UNSUPPORTED` where the trail is not kept here */
  readonly verifyAudit: (from: Date | undefined) => Promise<AuditVerification>;
}

/** How long a freeze waits for watchers at most. */
const maxConfirmMs = 5_000;

/** How long before the deadline a freeze answers with what it knows. */
const answerMarginMs = 100;

/** What whoever may `administer` does with a running broker; decided and recorded like any other call. */
export class Administration {
  readonly #parts: AdministrationParts;

  constructor(parts: AdministrationParts) {
    this.#parts = parts;
  }

  /** How the broker is, with the frozen names that the caller may administer. */
  async getStatus(call: Call): Promise<BrokerStatus> {
    return await this.#perform(call, () => {
      const { frozenNames, ...status } = this.#parts.status();
      return Promise.resolve({ ...status, frozenNames: frozenNames.filter((name) => this.#mayAdminister(call, name)) });
    });
  }

  /** Whether a principal may do something, with the rule that decides; for whoever may administer the name in question. */
  async checkAccess(call: Call, question: AccessQuestion): Promise<AccessExplanation> {
    const { name } = question;
    return await this.#perform(call, () => Promise.resolve(this.#parts.explain(question)), { name });
  }

  /** Verifies the audit trail. */
  async verifyAudit(call: Call, from: Date | undefined): Promise<AuditVerification> {
    return await this.#perform(call, () => this.#parts.verifyAudit(from));
  }

  /** Reads the configuration again. */
  async reload(call: Call): Promise<readonly string[]> {
    return await this.#perform(call, this.#parts.reload, { isChange: true });
  }

  /**
   * Releases a secret to nobody any more, drops what is kept of it, and takes it from those who watch it.
   * @throws SecretError `CONFIG_INVALID`, `MANAGER_UNAVAILABLE`, `MANAGER_TIMEOUT`: it is in force, and could not be kept
   * for a restart, or what the manager keeps of the secret could not be dropped; to be asked for again
   */
  async freeze(call: Call, name: SecretName, cause: string): Promise<FreezeResult> {
    const { freezes, watches, cache, manager } = this.#parts;
    const { principal } = call.caller;
    return await this.#perform(
      call,
      async () => {
        const kept = freezes.freeze(name, { cause, principal, time: new Date() });
        cache.drop(name);
        const forgotten = manager.forget(call, name);
        const confirmations = watches.drop(name);
        const [acknowledged] = await Promise.all([countConfirmed(confirmations, call), kept, forgotten]);
        return { acknowledged, pending: confirmations.length - acknowledged };
      },
      { isChange: true, name, cause },
    );
  }

  /** Ends a freeze; those who watch the secret are told of it anew. */
  async unfreeze(call: Call, name: SecretName): Promise<void> {
    const { freezes, watches } = this.#parts;
    await this.#perform(
      call,
      async () => {
        await freezes.unfreeze(name);
        watches.recheck();
      },
      { isChange: true, name },
    );
  }

  /** Who watches now, in the order they came, with the names that the caller may administer. */
  async listConsumers(call: Call, { name, pageSize, afterId }: ConsumerQuery): Promise<readonly Consumer[]> {
    return await this.#perform(
      call,
      () =>
        Promise.resolve(
          this.#parts.watches.consumers
            .filter(({ id, holds }) => id > afterId && (name === undefined || holds(name)))
            .slice(0, pageSize)
            .map((consumer) => this.#shownTo(call, consumer)),
        ),
      { isChange: false, name },
    );
  }

  #shownTo(call: Call, { acknowledged, ...consumer }: Consumer): Consumer {
    const shown = [...acknowledged].filter(([name]) => this.#mayAdminister(call, name));
    return { ...consumer, acknowledged: new Map(shown) };
  }

  #mayAdminister(call: Call, name: SecretName): boolean {
    return this.#parts.enforcement.mayAlso(call, "administer", { name });
  }

  async #perform<T>(
    call: Call,
    work: () => Promise<T>,
    {
      name,
      isChange = false,
      cause,
    }: Partial<Pick<Access, "isChange" | "cause">> & { readonly name?: SecretName | undefined } = {},
  ): Promise<T> {
    const access: Access = { action: "administer", names: name === undefined ? [] : [name], isChange, cause };
    return await this.#parts.enforcement.perform([call, access], work, () => ({}));
  }
}

/** How many confirm in time. */
async function countConfirmed(confirmations: readonly Promise<boolean>[], { deadlineMs }: Call): Promise<number> {
  let confirmed = 0;
  const all = confirmations.map(async (confirmation) => {
    if (await confirmation) confirmed += 1;
  });
  const waitMs = Math.min(maxConfirmMs, Math.max(deadlineMs - Date.now() - answerMarginMs, 0));
  await Promise.race([Promise.all(all), delay(waitMs, undefined, { ref: false })]);
  return confirmed;
}

/** What a broker without a trail of its own says. */
export function noOwnTrail(): SecretError {
  const advice = "verify the trail where its sink keeps it";
  return SecretError.unsupported("audit_verification", "the broker", advice);
}
