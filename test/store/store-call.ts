import type { ManagerCall } from "../../src/contract/manager-call.js";

/** A call by a principal of the tests. */
export function storeCall(changes: Partial<ManagerCall> = {}): ManagerCall {
  return {
    options: {},
    signal: new AbortController().signal,
    deadline: new Date(Date.now() + 60_000),
    principal: "tester",
    requestId: "request-1",
    ...changes,
  };
}
