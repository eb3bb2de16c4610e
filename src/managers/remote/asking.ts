import type { ManagerCall } from "../../contract/manager-call.js";
import type { CallContext } from "../../gen/secretbroker/manager/v1/secret_manager.js";
import type { ManagerRpc } from "./wire/rpcs.js";

/** Asks whichever instance of a manager can answer. */
export interface Asking {
  /** @throws SecretError what became of it, or the reason of the call's signal */
  ask<Request, Response>(rpc: ManagerRpc<Request, Response>, request: Request, call: ManagerCall): Promise<Response>;
  /** The same for a stream. */
  follow<Request, Response>(
    rpc: ManagerRpc<Request, Response>,
    request: Request,
    call: ManagerCall,
  ): AsyncGenerator<Response, void>;
}

/** What every data call says of itself. */
export function contextOf({ requestId, principal = "", options }: ManagerCall): CallContext {
  return { requestId, principal, options: Object.keys(options).length === 0 ? undefined : options };
}
