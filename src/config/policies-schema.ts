import { z } from "zod";
import { type Action, actions } from "../domain/action.js";
import { secretNameProblem } from "../domain/secret-name.js";
import { principalLimitsSchema } from "./limits-schema.js";
import type { PolicyConfig, PrincipalConfig } from "./policies-config.js";

const maxPatterns = 10_000;
const maxPatternLength = 512;
const maxRuleNameLength = 128;

/** What "*" stands for among actions: to administer is granted by its own name only. */
const everyAction: readonly Action[] = actions.filter((action) => action !== "administer");

/** The actions that release a value, and so can be limited to versions of it. */
const releasing: ReadonlySet<Action> = new Set<Action>(["read", "watch"]);

/** What decisions and records call what is no rule with a name of its own. */
const givenNames: readonly RegExp[] = [
  /^(?:default deny|frozen|hosted_keys|access_mode: .*|authentication|limits)$/,
  /(?:^|#)policies\[[0-9]+\]$/,
];

/** Whether a rule is called so by the broker, or could be. */
export function isGivenName(name: string): boolean {
  return givenNames.some((given) => given.test(name));
}

const misplacedStars = "must have ** only as a whole segment, such as a/**; use * within one";

/** A pattern: `*` is anything within a segment, `**` any segments. */
const patternSchema = z
  .string()
  .min(1)
  .max(maxPatternLength)
  .refine((text) => !text.split("/").some((segment) => segment !== "**" && segment.includes("**")), {
    error: misplacedStars,
  });

/** A pattern of names, that some name can have: one that none can would forbid nothing, and look as if it did. */
export const namePatternSchema: z.ZodType<string, string> = patternSchema.refine(
  (pattern) => patternProblem(pattern) === undefined,
  {
    error: ({ input }) =>
      `${patternProblem(String(input)) ?? ""}: no name does, so it would match none; write it as names are, and a/** for all under a`,
  },
);

/** Whatever stars stand for, names keep to the rules with any letter in their place, or break them with every text. */
function patternProblem(pattern: string): string | undefined {
  return secretNameProblem(pattern.includes("*") ? pattern.replaceAll(/\*+/g, "x") : pattern);
}

const principalPatterns = z.array(patternSchema).min(1).max(maxPatterns);
const namePatterns = z.array(namePatternSchema).min(1).max(maxPatterns);
const groupName = z.string().min(1).max(maxPatternLength);
const patternType = "list of patterns: * is anything within a segment, ** any segments";

const policySchema = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(maxRuleNameLength)
      .refine((name) => !isGivenName(name), { error: "is what the broker calls something itself; choose another" })
      .optional()
      .describe(
        "What decisions and audit records call the rule; its place in the list unless given. No other rule in any file may have it.",
      ),
    effect: z
      .enum(["allow", "deny"])
      .default("allow")
      .describe("A rule that denies wins over every rule that allows; what no rule allows is denied."),
    principals: principalPatterns.optional().meta({
      description: "Whose calls it is about, as patterns of principals. These or `groups`, or either of both.",
      "x-type": patternType,
    }),
    groups: z
      .array(groupName)
      .min(1)
      .max(maxPatterns)
      .optional()
      .describe("Whose calls it is about, by group: of the credential, or of `principals`."),
    actions: z
      .array(z.enum([...actions, "*"]))
      .min(1)
      .describe("What it lets them do; `*` is everything but `administer`."),
    names: namePatterns.meta({ description: "The names it is about, as patterns.", "x-type": patternType }),
    versions: z
      .union([z.literal("active"), z.array(z.number().int().min(1).max(4_294_967_295)).min(1).max(maxPatterns)])
      .optional()
      .meta({
        description: "Lets them read only these: `active`, or a list of numbers. Any version unless given.",
        "x-type": "active, or a list of numbers",
      }),
    fields: z
      .array(z.string().min(1).max(maxPatternLength))
      .min(1)
      .max(maxPatterns)
      .optional()
      .describe("Lets them read only these members of payloads that are JSON objects, and not the whole."),
  })
  .transform((rule, context): Omit<PolicyConfig, "name"> & { readonly name: string | undefined } => {
    const granted = new Set(rule.actions.flatMap((action) => (action === "*" ? everyAction : [action])));
    for (const { path, message } of conflictsOf(rule, granted)) context.addIssue({ code: "custom", message, path });
    return {
      name: rule.name,
      effect: rule.effect,
      principals: rule.principals ?? [],
      groups: rule.groups ?? [],
      actions: [...granted],
      names: rule.names,
      versions: rule.versions,
      fields: rule.fields,
    };
  });

interface RuleParts {
  readonly effect: "allow" | "deny";
  readonly principals?: readonly string[] | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly versions?: unknown;
  readonly fields?: unknown;
}

interface Conflict {
  readonly path: string[];
  readonly message: string;
}

function conflictsOf(rule: RuleParts, granted: ReadonlySet<Action>): Conflict[] {
  const found: Conflict[] = [];
  if (rule.principals === undefined && rule.groups === undefined) {
    found.push({ path: [], message: 'must say whose calls it is about; add "principals" or "groups"' });
  }
  for (const limit of ["versions", "fields"] as const) {
    const message = rule[limit] === undefined ? undefined : limitProblem(limit, rule.effect, granted);
    if (message !== undefined) found.push({ path: [limit], message });
  }
  return found;
}

function limitProblem(
  limit: "versions" | "fields",
  effect: "allow" | "deny",
  granted: ReadonlySet<Action>,
): string | undefined {
  if (effect === "deny")
    return "must not stand in a rule that denies, which denies the whole; limit what allows instead";
  if (limit === "fields") {
    const isReadOnly = granted.size === 1 && granted.has("read");
    return isReadOnly ? undefined : 'needs "actions: [read]", as nothing else can be limited to fields';
  }
  const isReleasing = [...granted].every((action) => releasing.has(action));
  return isReleasing ? undefined : "needs no other actions than read and watch, as nothing else is done to a version";
}

/** A list of policies, each with the name it has or its place gives it. */
export const policiesSchema: z.ZodType<readonly PolicyConfig[]> = z
  .array(policySchema)
  .max(100_000)
  .transform((rules, context): readonly PolicyConfig[] => {
    const named = rules.map((rule, index) => ({ ...rule, name: rule.name ?? ruleAt(index) }));
    for (const { path, message } of noteRuleNames(named, new Map(), ruleAt)) {
      context.addIssue({ code: "custom", message, path: [...path] });
    }
    return named;
  });

/**
 * Notes where rules with a name stand, and tells of those whose name another has already.
 * @param places name → where the rule stands; added to
 * @param placeOf where the rule of an index stands
 */
export function noteRuleNames(
  rules: readonly PolicyConfig[],
  places: Map<string, string>,
  placeOf: (index: number) => string,
): { readonly path: readonly [number, "name"]; readonly message: string }[] {
  return rules.flatMap(({ name }, index) => {
    if (isGivenName(name)) return [];
    const other = places.get(name);
    if (other !== undefined) {
      return [{ path: [index, "name"], message: `is the name of ${other} too; give each rule its own` }];
    }
    places.set(name, placeOf(index));
    return [];
  });
}

/** Where a rule stands in its list. */
export function ruleAt(index: number): string {
  return `policies[${String(index)}]`;
}

/** `secret_broker.principals`. */
export const principalsSchema: z.ZodType<readonly PrincipalConfig[]> = z
  .array(
    z.strictObject({
      principal: z.string().min(1).max(maxPatternLength).describe("The principal, exactly."),
      groups: z.array(groupName).max(1_000).default([]).describe("Groups it is in, beside those of its credential."),
      options: z.record(z.string().min(1), z.unknown()).default({}).meta({
        description: "Options that each of its calls carries; a call that brings another value for one is refused.",
        "x-type": "mapping",
      }),
      limits: principalLimitsSchema.optional().describe("Its limits, instead of `limits.per_principal`."),
    }),
  )
  .max(100_000)
  .transform((principals, context): readonly PrincipalConfig[] => {
    const known = new Set<string>();
    for (const [index, { principal }] of principals.entries()) {
      if (known.has(principal)) {
        context.addIssue({
          code: "custom",
          message: "stands twice in the list; join the two",
          path: [index, "principal"],
        });
      }
      known.add(principal);
    }
    return principals.map(({ limits, ...rest }) => ({ ...rest, limits }));
  });
