import { z } from "zod";
import { type Action, actions, actionsWithoutName } from "../domain/action.js";
import { secretNameProblem, type SecretName } from "../domain/secret-name.js";
import { parseListFile } from "./list-file.js";
import { readConfigText } from "./read-config-text.js";

/** What a policy is meant to decide of one call. */
export interface PolicyCase {
  readonly principal: string;
  readonly groups: readonly string[];
  readonly action: Action;
  /** Undefined for an action that has no one name. */
  readonly name: SecretName | undefined;
  readonly version: number | undefined;
  readonly field: string | undefined;
  readonly expect: "allow" | "deny";
  /** The rule that is meant to decide; undefined for any. */
  readonly rule: string | undefined;
}

const casesSchema: z.ZodType<readonly PolicyCase[]> = z.array(
  z
    .strictObject({
      as: z.string().min(1),
      groups: z.array(z.string().min(1)).default([]),
      action: z.enum(actions),
      name: z
        .string()
        .refine((name) => secretNameProblem(name) === undefined, { error: "must be a secret's name" })
        .optional(),
      version: z.number().int().min(1).optional(),
      field: z.string().min(1).optional(),
      expect: z.enum(["allow", "deny"]),
      rule: z.string().min(1).optional(),
    })
    .refine(({ action, name }) => name !== undefined || actionsWithoutName.has(action), {
      error: `is missing; only ${[...actionsWithoutName].join(", ")} are decided without one`,
      path: ["name"],
    })
    .transform(({ as: principal, name, ...rest }): PolicyCase => ({
      ...{ principal, name: name as SecretName | undefined, groups: rest.groups, action: rest.action },
      ...{ version: rest.version, field: rest.field, expect: rest.expect, rule: rest.rule },
    })),
);

/** The cases of a file. @throws ConfigError with every problem */
export async function loadPolicyCases(file: string): Promise<readonly PolicyCase[]> {
  return parseListFile({ key: "cases", schema: casesSchema }, await readConfigText(file), file);
}
