import { type Action, actions } from "../domain/action.js";
import type { Caller } from "../domain/caller.js";
import type { SecretName } from "../domain/secret-name.js";
import { coverEveryName } from "./every-name.js";
import { PatternIndex } from "./pattern-index.js";
import type { Grant, Memberships } from "./grants.js";
import type { Decision, Part } from "./policy.js";

/** How many kinds of caller are remembered, and how many decisions of each action. */
const maxCallers = 4_096;
const maxDecisions = 16_384;

const defaultDeny: Decision = Object.freeze({ allowed: false, rule: "default deny", reason: "POLICY_DENIED" });

/** A grant with its place in the configuration, and the one decision it makes. */
interface Rule {
  readonly grant: Grant;
  readonly order: number;
  readonly decision: Decision;
  readonly coversEveryName: boolean;
}

/**
 * What grants let whom do: nothing that no grant allows, and nothing that one denies. Callers are sorted once for each
 * principal and its groups, names by an index of that caller's grants, and decisions are remembered.
 */
export class GrantedAccess {
  readonly #byPrincipal = new PatternIndex<Rule>();
  // group → rules
  readonly #byGroup = new Map<string, Rule[]>();
  readonly #memberships: Memberships;
  // caller → its access; an authenticated caller is one object for as long as its proof is remembered
  #byCaller = new WeakMap<Caller, CallerAccess>();
  // principal and groups → their access
  readonly #byIdentity = new Map<string, CallerAccess>();

  constructor(grants: readonly Grant[], memberships: Memberships) {
    this.#memberships = memberships;
    for (const [order, grant] of grants.entries()) {
      this.#add({ grant, order, decision: decisionOf(grant), coversEveryName: coverEveryName(grant.names) });
    }
  }

  /** Decides one action on a name, or on a part of it. */
  // eslint-disable-next-line max-params -- the policy's
  decide(caller: Caller, action: Action, name: SecretName, part: Part | undefined): Decision {
    return this.#accessOf(caller).decide(action, name, part);
  }

  /** Decides an action that has no name, by the rules that {@link speaksWithoutName}. */
  decideAction(caller: Caller, action: Action): Decision {
    return this.#accessOf(caller).decideAction(action);
  }

  #add(rule: Rule): void {
    const { principals, groups } = rule.grant;
    for (const pattern of principals) this.#byPrincipal.add(pattern, rule);
    for (const group of groups) {
      const known = this.#byGroup.get(group);
      if (known === undefined) this.#byGroup.set(group, [rule]);
      else known.push(rule);
    }
  }

  #accessOf(caller: Caller): CallerAccess {
    const known = this.#byCaller.get(caller);
    if (known !== undefined) return known;
    const groups = [...new Set([...caller.groups, ...(this.#memberships.get(caller.principal) ?? [])])].sort();
    const identity = JSON.stringify([caller.principal, groups]);
    let access = this.#byIdentity.get(identity);
    if (access === undefined) {
      access = new CallerAccess(this.#rulesOf(caller.principal, groups));
      if (this.#byIdentity.size >= maxCallers) this.#byIdentity.clear();
      this.#byIdentity.set(identity, access);
    }
    this.#byCaller.set(caller, access);
    return access;
  }

  #rulesOf(principal: string, groups: readonly string[]): readonly Rule[] {
    const found = new Set<Rule>();
    this.#byPrincipal.match(principal, (rule) => found.add(rule));
    for (const group of groups) for (const rule of this.#byGroup.get(group) ?? []) found.add(rule);
    return [...found];
  }
}

/** What one caller may do. */
class CallerAccess {
  readonly #byAction: ReadonlyMap<Action, ActionAccess>;

  constructor(rules: readonly Rule[]) {
    const byAction = new Map(actions.map((action) => [action, new ActionAccess(action)] as const));
    for (const rule of rules) for (const action of rule.grant.actions) byAction.get(action)?.add(rule);
    this.#byAction = byAction;
  }

  decide(action: Action, name: SecretName, part: Part | undefined): Decision {
    return this.#byAction.get(action)?.decide(name, part) ?? defaultDeny;
  }

  decideAction(action: Action): Decision {
    return this.#byAction.get(action)?.withoutName ?? defaultDeny;
  }
}

/** To which names one caller may do one action. */
class ActionAccess {
  readonly #action: Action;
  readonly #rules = new PatternIndex<Rule>();
  #decidingWithoutName: Rule | undefined;
  /** Whether some grant is limited to versions or members. */
  #hasLimits = false;
  // name → what is decided of the whole active version
  #decisions = new Map<SecretName, Decision>();

  constructor(action: Action) {
    this.#action = action;
  }

  /** What is decided where no name is given; undefined where no rule speaks of that. */
  get withoutName(): Decision | undefined {
    return this.#decidingWithoutName?.decision;
  }

  add(rule: Rule): void {
    const { names, versions, fields } = rule.grant;
    for (const pattern of names) this.#rules.add(pattern, rule);
    this.#hasLimits ||= versions !== undefined || fields !== undefined;
    const speaks = speaksWithoutName(rule.grant, this.#action, rule.coversEveryName);
    if (speaks && goesBefore(rule, this.#decidingWithoutName)) this.#decidingWithoutName = rule;
  }

  decide(name: SecretName, part: Part | undefined): Decision {
    // Where nothing is limited to parts, a part is decided as the whole is.
    if (this.#hasLimits && (part?.version !== undefined || part?.field !== undefined)) return this.#search(name, part);
    const known = this.#decisions.get(name);
    if (known !== undefined) return known;
    const decision = this.#search(name, undefined);
    if (this.#decisions.size >= maxDecisions) this.#decisions.clear();
    this.#decisions.set(name, decision);
    return decision;
  }

  /** Of the grants that match, the first that denies, else the first that allows. */
  #search(name: SecretName, part: Part | undefined): Decision {
    let deciding: Rule | undefined;
    this.#rules.match(name, (rule) => {
      if (grantCovers(rule.grant, this.#action, part) && goesBefore(rule, deciding)) deciding = rule;
    });
    return deciding?.decision ?? defaultDeny;
  }
}

/** Whether a grant's limits leave what is asked for; what releases a value without asking for a part takes it whole. */
export function grantCovers({ versions, fields }: Grant, action: Action, part: Part | undefined): boolean {
  const { version, field } = (action === "read" ? part : undefined) ?? {};
  if (fields !== undefined && !fields.some((each) => each === field)) return false;
  if (versions === undefined) return true;
  return versions === "active" ? version === undefined : versions.some((each) => each === version);
}

/**
 * Whether a grant says something of an action without a name. To administer without one concerns everything, and so does
 * what forbids: both take a grant for every name. Anything else is allowed by a grant for some name, as each name that
 * it yields is decided again.
 */
export function speaksWithoutName(
  grant: Grant,
  action: Action,
  coversEveryName: boolean = coverEveryName(grant.names),
): boolean {
  if (!grantCovers(grant, action, undefined)) return false;
  return coversEveryName || (grant.effect === "allow" && action !== "administer");
}

function goesBefore(rule: Rule, other: Rule | undefined): boolean {
  if (other === undefined) return true;
  if (rule.grant.effect !== other.grant.effect) return rule.grant.effect === "deny";
  return rule.order < other.order;
}

function decisionOf({ name, effect }: Grant): Decision {
  return effect === "allow"
    ? Object.freeze<Decision>({ allowed: true, rule: name })
    : Object.freeze<Decision>({ allowed: false, rule: name, reason: "POLICY_DENIED" });
}
