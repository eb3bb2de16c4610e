import type { Action } from "../domain/action.js";
import type { Caller } from "../domain/caller.js";
import type { SecretName } from "../domain/secret-name.js";
import type { GrantSettings } from "./compile-policy.js";
import { grantCovers, speaksWithoutName } from "./granted-access.js";
import type { Grant } from "./grants.js";
import type { Decision, Part, Policy } from "./policy.js";
import { matchesPattern } from "./segment-pattern.js";

/** What somebody wants to do. */
export interface AccessRequest {
  readonly caller: Caller;
  readonly action: Action;
  /** Undefined for an action that has no one name. */
  readonly name: SecretName | undefined;
  readonly part?: Part | undefined;
}

/** What policy decides, and what stands in the way. */
export interface AccessExplanation {
  readonly decision: Decision;
  /** The grant that comes closest to allowing it; undefined when it is allowed or none comes close. */
  readonly nearest: { readonly rule: string; readonly why: string } | undefined;
}

/**
 * Explains a decision by looking at the grants one by one. Of those that allow something the nearest is the one that
 * fits best: it may be overruled, limited to another part, or made for another name, action or principal.
 */
export function explainAccess(
  policy: Policy,
  granting: GrantSettings | undefined,
  { caller, action, name, part }: AccessRequest,
): AccessExplanation {
  const decision = name === undefined ? policy.decideAction(caller, action) : policy.decide(caller, action, name, part);
  if (decision.allowed || granting === undefined) return { decision, nearest: undefined };
  const groups = [...caller.groups, ...(granting.memberships.get(caller.principal) ?? [])];
  const request = { principal: caller.principal, groups, action, name, part };
  const fits = granting.grants
    .filter(({ effect }) => effect === "allow")
    .map((grant) => ({ grant, fit: fitOf(grant, request) }));
  const best = Math.max(...fits.map(({ fit }) => fit.score), 0);
  const nearest = best >= minScore ? fits.find(({ fit }) => fit.score === best) : undefined;
  return {
    decision,
    nearest: nearest && { rule: nearest.grant.name, why: whyNot(nearest.fit.misses, request, decision.rule) },
  };
}

interface PlainRequest {
  readonly principal: string;
  readonly groups: readonly string[];
  readonly action: Action;
  readonly name: SecretName | undefined;
  readonly part: Part | undefined;
}

/** What a grant and a request do not agree in. */
type Miss = "principal" | "action" | "name" | "part";

interface Fit {
  readonly misses: readonly Miss[];
  readonly score: number;
}

/** How much each agreement counts: a grant of the same caller says more than one of the same name. */
const weights: Readonly<Record<Miss, number>> = { principal: 4, name: 3, action: 2, part: 1 };

/** Two of the three that matter. */
const minScore = 5;

function fitOf(grant: Grant, { principal, groups, action, name, part }: PlainRequest): Fit {
  const agrees: Readonly<Record<Miss, boolean>> = {
    principal:
      grant.principals.some((pattern) => matchesPattern(principal, pattern)) ||
      grant.groups.some((group) => groups.includes(group)),
    name:
      name === undefined
        ? speaksWithoutName(grant, action)
        : grant.names.some((pattern) => matchesPattern(name, pattern)),
    action: grant.actions.includes(action),
    part: grantCovers(grant, action, part),
  };
  const all: readonly Miss[] = ["principal", "name", "action", "part"];
  const score = all.filter((each) => agrees[each]).reduce((sum, each) => sum + weights[each], 0);
  return { misses: all.filter((each) => !agrees[each]), score };
}

function whyNot(misses: readonly Miss[], { name }: PlainRequest, decidingRule: string): string {
  if (misses.length === 0) return `would allow it, but "${decidingRule}" goes before it`;
  const others: Readonly<Record<Miss, string>> = {
    principal: "another principal",
    name: name === undefined ? "some names only" : "another name",
    action: "another action",
    part: "other versions or fields",
  };
  return `is for ${misses.map((miss) => others[miss]).join(" and ")}`;
}
