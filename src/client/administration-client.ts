import type {
  CheckAccessAnswer,
  CheckAccessRequest,
  FreezeAnswer,
  FreezeRequest,
  ListConsumersAnswer,
  ListConsumersRequest,
  VerifyAuditAnswer,
  VerifyAuditRequest,
} from "./administration-messages.js";
import type { BrokerStatusAnswer } from "./broker-status.js";
import type { CallOptions } from "./call-options.js";
import type { BrokerCaller } from "./calls/broker-caller.js";
import { administrationRpcs as rpcs, type NamedRequest } from "./rpcs/administration-rpcs.js";

/** Shows and steers a running broker; every method needs the action `administer`. */
export class AdministrationClient {
  readonly #caller: BrokerCaller;

  /** Made by the client, over its connections. */
  constructor(caller: BrokerCaller) {
    this.#caller = caller;
  }

  /** Tells how managers, cache and audit are. */
  getStatus(call?: CallOptions): Promise<BrokerStatusAnswer> {
    return this.#caller.call(rpcs.getStatus, {}, call);
  }

  /** Tells whether a principal may do something, and the rule that decides it. */
  checkAccess(request: CheckAccessRequest, call?: CallOptions): Promise<CheckAccessAnswer> {
    return this.#caller.call(rpcs.checkAccess, request, call);
  }

  /** Verifies the audit trail. */
  verifyAudit(request: VerifyAuditRequest = {}, call?: CallOptions): Promise<VerifyAuditAnswer> {
    return this.#caller.call(rpcs.verifyAudit, request, call);
  }

  /** Has the configuration read again; resolves to the changed settings that need a restart. */
  reloadConfiguration(call?: CallOptions): Promise<readonly string[]> {
    return this.#caller.call(rpcs.reloadConfiguration, {}, call);
  }

  /** Releases a secret to nobody any more, and takes it from every watcher. */
  freezeSecret(request: FreezeRequest, call?: CallOptions): Promise<FreezeAnswer> {
    return this.#caller.call(rpcs.freezeSecret, request, call);
  }

  /** Ends a freeze. */
  unfreezeSecret(request: NamedRequest, call?: CallOptions): Promise<void> {
    return this.#caller.call(rpcs.unfreezeSecret, request, call);
  }

  /** Lists the live consumers and the versions they have acknowledged. */
  listConsumers(request: ListConsumersRequest = {}, call?: CallOptions): Promise<ListConsumersAnswer> {
    return this.#caller.call(rpcs.listConsumers, request, call);
  }
}
