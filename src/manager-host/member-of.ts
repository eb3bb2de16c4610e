import type { ManagerCall } from "../contract/manager-call.js";
import type { SecretManager } from "../contract/secret-manager.js";
import { SecretError } from "../domain/secret-error.js";

/** Answers one RPC. */
export type Answer<Request, Response> = (request: Request, call: ManagerCall) => Promise<Response>;

/** The members that an RPC stands for. */
type Member = {
  [K in keyof SecretManager]-?: NonNullable<SecretManager[K]> extends (...args: never[]) => unknown ? K : never;
}[keyof SecretManager];

/** A member of the manager, for an RPC that is called whatever there is. @throws SecretError `CAPABILITY_UNSUPPORTED` */
export function memberOf<M extends Member>(manager: SecretManager, member: M): NonNullable<SecretManager[M]> {
  const value = manager[member];
  if (value === undefined) throw new SecretError("CAPABILITY_UNSUPPORTED", `the manager has no ${member}`);
  return value.bind(manager) as NonNullable<SecretManager[M]>;
}
