import { z } from "zod";
import { claimPathSchema, principalTemplateSchema, requiredClaimsSchema } from "./jwt-claims-schema.js";
import { type JwtIssuerConfig, jwtAlgorithms, type JwtPrincipalConfig } from "./jwt-config.js";
import { keysConfig, keySettings, type KeySettings } from "./jwt-keys-schema.js";
import { durationSchema } from "./quantity-schema.js";

/** More issuers than anybody trusts. */
const maxIssuers = 100;

const subject: JwtPrincipalConfig = { kind: "template", parts: [{ claim: ["sub"] }] };

/** `secret_broker.authentication.jwt`. @param directory what relative paths are relative to */
export function createJwtSchema(directory: string): z.ZodType<readonly JwtIssuerConfig[]> {
  const entry = z.strictObject({ ...nameSettings, ...keySettings(directory), ...claimSettings, ...timeSettings });
  return z
    .array(entry.transform(issuerConfig))
    .min(1)
    .max(maxIssuers)
    .transform(eachItsOwn)
    .describe("The issuers of JSON Web Tokens that are trusted.");
}

const nameSettings = {
  issuer: z
    .string()
    .min(1)
    .max(2_048)
    .meta({ description: "The claim `iss` of its tokens, exactly.", "x-default": "required" }),
  audiences: z.array(z.string().min(1).max(2_048)).min(1).max(100).meta({
    description: "What the broker is called by its issuer; a token's `aud` must hold one of them.",
    "x-default": "required",
  }),
};

const claimSettings = {
  algorithms: z
    .array(z.enum(jwtAlgorithms))
    .min(1)
    .default([...jwtAlgorithms])
    .meta({
      description: "What its tokens may be signed with. Algorithms with a shared key, and none, are never accepted.",
      "x-default": "all of these",
      "x-bounds": jwtAlgorithms.map((name) => `\`${name}\``).join(", "),
    }),
  principal: principalTemplateSchema.optional().meta({
    description:
      "The principal: text, and claims in braces. A claim within another is named by a JSON pointer, `{/a/b}`. With several issuers it must be given, so that nobody is taken for somebody of another issuer; beside other ways to prove who calls it should begin with a text of its own.",
    "x-default": "`{sub}`",
  }),
  kubernetes: z
    .boolean()
    .default(false)
    .describe("Whether these are service-account tokens: the principal is then `k8s:NAMESPACE/NAME`."),
  groups_claim: claimPathSchema.optional().describe("The claim with the caller's groups, a text or a list."),
  groups_prefix: z.string().max(128).default("").describe("What is put before each of these groups."),
  required_claims: requiredClaimsSchema.meta({
    description: "Claims and the value, or list of values, they must have. A claim that is a list must hold one.",
    "x-type": "mapping",
    "x-default": "`{}`",
  }),
};

const timeSettings = {
  clock_tolerance: durationSchema({
    ...{ standard: "30s", min: "0s", max: "5m" },
    description: "How far the issuer's clock may be from the broker's.",
  }),
  max_lifetime: durationSchema({
    ...{ standard: "24h", min: "1m", max: "8784h" },
    description: "The longest time from a token's issue to its expiry.",
  }),
  max_age: durationSchema({
    ...{ standard: "8784h", min: "1m", max: "8784h" },
    description: "How long after its issue (`iat`) a token is accepted at most; shorter than its life to be of use.",
  }),
};

/** The settings of one issuer, as they were read. */
interface IssuerSettings extends KeySettings {
  readonly audiences: string[];
  readonly algorithms: JwtIssuerConfig["algorithms"];
  readonly principal?: JwtPrincipalConfig | undefined;
  readonly kubernetes: boolean;
  readonly groups_claim?: JwtIssuerConfig["groupsClaim"];
  readonly groups_prefix: string;
  readonly required_claims: JwtIssuerConfig["requiredClaims"];
  readonly clock_tolerance: number;
  readonly max_lifetime: number;
  readonly max_age: number;
}

/** One issuer, and whether its principal was written out. */
interface ReadIssuer extends JwtIssuerConfig {
  readonly isPrincipalGiven: boolean;
}

function issuerConfig(settings: IssuerSettings, context: z.RefinementCtx): ReadIssuer {
  const { issuer, audiences, algorithms, principal, kubernetes } = settings;
  if (kubernetes && principal !== undefined) {
    const message = "cannot go with kubernetes: true, which makes the principal; remove one of them";
    context.addIssue({ code: "custom", message, path: ["principal"] });
  }
  const keys = keysConfig(settings, context);
  if (keys === undefined) return z.NEVER;
  return {
    ...{ issuer, audiences, algorithms, keys },
    principal: kubernetes ? { kind: "kubernetes" } : (principal ?? subject),
    groupsClaim: settings.groups_claim,
    groupsPrefix: settings.groups_prefix,
    requiredClaims: settings.required_claims,
    clockToleranceMs: settings.clock_tolerance,
    maxLifetimeMs: settings.max_lifetime,
    maxAgeMs: settings.max_age,
    isPrincipalGiven: kubernetes || principal !== undefined,
  };
}

/** No two of one name, and none whose callers could be taken for those of another by an oversight. */
function eachItsOwn(issuers: ReadIssuer[], context: z.RefinementCtx): readonly JwtIssuerConfig[] {
  const known = new Set<string>();
  return issuers.map(({ isPrincipalGiven, ...issuer }, index) => {
    if (known.has(issuer.issuer)) {
      const message = "stands twice in the list; join the two";
      context.addIssue({ code: "custom", message, path: [index, "issuer"] });
    }
    known.add(issuer.issuer);
    if (!isPrincipalGiven && issuers.length > 1) {
      const message =
        "is missing; several issuers may use the same subject, so write what is to be told apart, such as NAME:{sub}";
      context.addIssue({ code: "custom", message, path: [index, "principal"] });
    }
    return issuer;
  });
}
