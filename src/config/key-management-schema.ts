import { z } from "zod";
import { secretNameProblem } from "../domain/secret-name.js";
import type { Tags } from "../domain/secret.js";
import { type AccessMode, accessModes } from "./config.js";

const maxDescriptionLength = 2_048;
const maxTags = 64;
const maxTagKeyLength = 128;
const maxTagValueLength = 256;

const hostedKey = z.string().check((context) => {
  const problem = secretNameProblem(context.value);
  if (problem !== undefined) {
    context.issues.push({ code: "custom", message: `${problem}, as it is the name of a secret`, input: context.value });
  }
});

/** A prefix must make a valid name together with any alias. */
const keyPrefix = z.string().check((context) => {
  const prefix = context.value;
  const problem = secretNameProblem(`${prefix}${prefix.endsWith("/") ? "" : "/"}x`);
  if (problem !== undefined) {
    context.issues.push({ code: "custom", message: `${problem}, as names of secrets begin with it`, input: prefix });
  }
});

const tags = z
  .record(z.string().min(1).max(maxTagKeyLength), z.string().max(maxTagValueLength))
  .refine((record) => Object.keys(record).length <= maxTags, { message: `must hold at most ${String(maxTags)} tags` });

/** The seed's settings table with its defaults filled in. */
export interface KeyManagementSection {
  readonly custom_secret_manager?: string | undefined;
  readonly access_mode: AccessMode;
  readonly hosted_keys?: readonly string[] | undefined;
  readonly store_virtual_keys: boolean;
  readonly prefix_for_stored_virtual_keys: string;
  readonly description?: string | undefined;
  readonly tags?: Tags | undefined;
}

const shape = {
  custom_secret_manager: z
    .string()
    .optional()
    .describe("Path to your custom secret manager class: the file beside config.yaml and the class, `file.Class`."),
  access_mode: z
    .enum(accessModes)
    .default("read_only")
    .describe("What callers may do: it gates reads and writes alike."),
  hosted_keys: z
    .array(hostedKey)
    .optional()
    .describe("The only names the manager is asked for; all names when left out."),
  store_virtual_keys: z
    .boolean()
    .default(false)
    .describe("Whether virtual keys can be stored; needs an access mode that writes."),
  prefix_for_stored_virtual_keys: keyPrefix
    .default("litellm/")
    .describe('What stored virtual keys\' names begin with; a "/" is added when it lacks one. Counts as hosted.'),
  description: z
    .string()
    .max(maxDescriptionLength)
    .optional()
    .describe("Description for stored virtual keys, at most 2,048 characters."),
  tags: tags.optional().describe("Tags for stored virtual keys, at most 64; keys and values are strings."),
};

/**
 * `general_settings.key_management_settings`. Unknown keys are looked at apart, as LiteLLM has some of its own.
 */
export const keyManagementSchema: z.ZodType<KeyManagementSection> = z.looseObject(shape);

/** The keys of the seed's table. */
export const keyManagementKeys: readonly string[] = Object.keys(shape);

/** Settings of LiteLLM's other managers in the same section. */
export const foreignKeyManagementKeys = [
  "primary_secret_name",
  "aws_region_name",
  "aws_role_name",
  "aws_session_name",
  "aws_external_id",
  "aws_profile_name",
  "aws_web_identity_token",
  "aws_sts_endpoint",
  "replica_regions",
  "kms_key_id",
] as const;

/** LiteLLM's key management systems. The broker has `custom` and `local`. */
export const keyManagementSystems = [
  "custom",
  "local",
  "google_kms",
  "azure_key_vault",
  "aws_secret_manager",
  "google_secret_manager",
  "hashicorp_vault",
  "cyberark",
  "aws_kms",
] as const;
