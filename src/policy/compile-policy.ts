import type { Action } from "../domain/action.js";
import { GrantedAccess } from "./granted-access.js";
import type { Grant, Memberships } from "./grants.js";
import type { Decision, DenialReason, Policy } from "./policy.js";

/** The seed's settings that bound everyone's access. */
export interface AccessSettings {
  readonly accessMode: "read_only" | "write_only" | "read_and_write";
  /** The only names the manager is asked for; undefined for all. */
  readonly hostedKeys: readonly string[] | undefined;
  /** Names that begin with this count as hosted; undefined when virtual keys are not stored. */
  readonly hostedPrefix: string | undefined;
}

/** Who may do what within those bounds. */
export interface GrantSettings {
  readonly grants: readonly Grant[];
  readonly memberships: Memberships;
}

type AccessMode = AccessSettings["accessMode"];

const reading: readonly AccessMode[] = ["read_only", "read_and_write"];
const writing: readonly AccessMode[] = ["write_only", "read_and_write"];
const always: readonly AccessMode[] = ["read_only", "write_only", "read_and_write"];

/** The access modes each action needs. The reference checks its mode on reads alone; here it gates writes as well. */
const modesByAction: Readonly<Record<Action, readonly AccessMode[]>> = {
  read: reading,
  list: reading,
  describe: reading,
  watch: reading,
  write: writing,
  activate: writing,
  delete: writing,
  restore: writing,
  destroy: writing,
  rotate: writing,
  administer: always,
};

const notHosted = deny("hosted_keys", "KEY_NOT_HOSTED");

/**
 * Compiles the settings into a policy.
 * @param granting undefined where everyone who can connect may do what the bounds allow; otherwise nothing is allowed
 * that no grant allows
 */
export function compilePolicy(settings: AccessSettings, granting?: GrantSettings): Policy {
  const bounds = compileBounds(settings);
  if (granting === undefined) return bounds;
  const access = new GrantedAccess(granting.grants, granting.memberships);
  return {
    // Grants first: who has none for a name does not learn whether it is hosted.
    // eslint-disable-next-line max-params -- the policy's
    decide(caller, action, name, part) {
      const decision = access.decide(caller, action, name, part);
      if (!decision.allowed) return decision;
      const bound = bounds.decide(caller, action, name);
      return bound.allowed ? decision : bound;
    },
    decideAction(caller, action) {
      const decision = access.decideAction(caller, action);
      if (!decision.allowed) return decision;
      const bound = bounds.decideAction(caller, action);
      return bound.allowed ? decision : bound;
    },
  };
}

/** The bounds alone: every decision is a table look-up and at most one set look-up. */
function compileBounds(settings: AccessSettings): Policy {
  const byAction = decisionsByAction(settings.accessMode);
  const isHosted = hostedNames(settings);
  return {
    decide(_caller, action, name) {
      const decision = byAction[action];
      // Whoever administers asks no manager, and has to unfreeze what is hosted no more.
      return !decision.allowed || action === "administer" || isHosted(name) ? decision : notHosted;
    },
    decideAction(_caller, action) {
      return byAction[action];
    },
  };
}

function decisionsByAction(mode: AccessMode): Readonly<Record<Action, Decision>> {
  const rule = `access_mode: ${mode}`;
  const decide = (action: Action): Decision =>
    modesByAction[action].includes(mode) ? { allowed: true, rule } : deny(rule, "ACCESS_MODE_DENIED");
  return {
    read: decide("read"),
    list: decide("list"),
    describe: decide("describe"),
    watch: decide("watch"),
    write: decide("write"),
    activate: decide("activate"),
    delete: decide("delete"),
    restore: decide("restore"),
    destroy: decide("destroy"),
    rotate: decide("rotate"),
    administer: decide("administer"),
  };
}

function hostedNames({ hostedKeys, hostedPrefix }: AccessSettings): (name: string) => boolean {
  if (hostedKeys === undefined) return () => true;
  const names = new Set(hostedKeys);
  if (hostedPrefix === undefined) return (name) => names.has(name);
  return (name) => names.has(name) || name.startsWith(hostedPrefix);
}

function deny(rule: string, reason: DenialReason): Decision {
  return { allowed: false, rule, reason };
}
