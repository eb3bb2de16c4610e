import { SecretError } from "../../domain/secret-error.js";
import type { MessageType, UnaryRpc } from "../rpc.js";

/** An RPC of `AdministrationBroker`: in the contract, and not in this version. */
export function administer<Request>(request: MessageType<Request>): UnaryRpc<Request, never> {
  return {
    request,
    handle: () => Promise.reject(SecretError.unsupported("administration", "this version of the broker")),
  };
}
