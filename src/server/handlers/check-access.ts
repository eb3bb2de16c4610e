import type { Administration } from "../../broker/administration.js";
import { type Action, actions, actionsWithoutName } from "../../domain/action.js";
import { CheckAccessRequest, type CheckAccessResponse } from "../../gen/secretbroker/v1/administration_broker.js";
import { FieldChecks } from "../requests/field-checks.js";
import type { UnaryRpc } from "../rpc.js";

/** The longest principal, in characters. */
const maxPrincipalLength = 512;

/** `AdministrationBroker.CheckAccess`. */
export function checkAccess(administration: Administration): UnaryRpc<CheckAccessRequest, CheckAccessResponse> {
  return {
    request: CheckAccessRequest,
    handle: async (call, request) => {
      const checks = new FieldChecks();
      if (request.principal === "") checks.violate("principal", "must not be empty");
      const principal = checks.text("principal", request.principal, maxPrincipalLength);
      const action = actionField(checks, request.action);
      const name =
        request.name === "" && actionsWithoutName.has(action) ? undefined : checks.name("name", request.name);
      checks.assertNone();
      const {
        allowed,
        rule,
        nearestAllowing = "",
      } = await administration.checkAccess(call, {
        principal,
        action,
        name,
      });
      return { allowed, rule, nearestAllowingRule: nearestAllowing };
    },
  };
}

/** What is returned may only be used when no violation was noted. */
function actionField(checks: FieldChecks, value: string): Action {
  const action = actions.find((each) => each === value);
  if (action === undefined) checks.violate("action", `must be one of ${actions.join(", ")}`);
  return action ?? "read";
}
