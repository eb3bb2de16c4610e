import { z } from "zod";
import { maxSecretNameLength, secretNameProblem } from "../domain/secret-name.js";
import type { Tags } from "../domain/secret.js";
import { type AccessMode, accessModes } from "./config.js";

const maxDescriptionLength = 2_048;
const maxTags = 64;
const maxTagKeyLength = 128;
const maxTagValueLength = 256;

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

const hostedKey = z
  .string()
  .check((context) => {
    const problem = secretNameProblem(context.value);
    if (problem !== undefined) context.issues.push(broken(`${problem}, as it is the name of a secret`, context.value));
  })
  .meta({ minLength: 1, maxLength: maxSecretNameLength });

/** A prefix must make a valid name together with any alias. */
const keyPrefix = z.string().check((context) => {
  const prefix = context.value;
  const hasStart = prefix !== "" && !prefix.startsWith("/");
  const problem = hasStart
    ? secretNameProblem(`${prefix}${prefix.endsWith("/") ? "" : "/"}x`)
    : 'must not be empty or begin with "/"';
  if (problem !== undefined) context.issues.push(broken(`${problem}, as names of stored keys begin with it`, prefix));
});

const tags = z.record(z.string().min(1).max(maxTagKeyLength), z.string().max(maxTagValueLength)).check((context) => {
  const count = Object.keys(context.value).length;
  if (count > maxTags) {
    context.issues.push(broken(`must hold at most ${String(maxTags)} tags, not ${String(count)}`, context.value));
  }
});

function broken(message: string, input: unknown): { code: "custom"; message: string; input: unknown } {
  return { code: "custom", message, input };
}

const shape = {
  custom_secret_manager: z.string().optional().meta({
    description:
      "Path to your custom secret manager class: the file beside config.yaml, without its extension, and the class. Required with `key_management_system: custom`, unless `secret_broker.manager` is set.",
    "x-bounds": "`file.Class`, exactly one dot",
  }),
  access_mode: z
    .enum(accessModes)
    .default("read_only")
    .describe("What callers may do. It gates reads and writes alike."),
  hosted_keys: z.array(hostedKey).optional().meta({
    description: "The only names the manager is asked for.",
    "x-type": "list of names",
    "x-default": "all names",
    "x-bounds": "safe names of at most 512 characters",
  }),
  store_virtual_keys: z
    .boolean()
    .default(false)
    .describe("Whether virtual keys can be stored. Needs an access mode that writes."),
  prefix_for_stored_virtual_keys: keyPrefix.default("litellm/").meta({
    description:
      'What the names of stored virtual keys begin with; a "/" is added when it lacks one. Such names count as hosted.',
    "x-bounds": 'a safe name; may end in "/"',
  }),
  description: z.string().max(maxDescriptionLength).optional().describe("Description for stored virtual keys."),
  tags: tags.optional().meta({
    description: "Tags for stored virtual keys.",
    "x-type": "mapping of strings",
    "x-bounds": `at most ${String(maxTags)} tags; keys of 1 to ${String(maxTagKeyLength)}, values of at most ${String(maxTagValueLength)} characters`,
  }),
};

/**
 * `general_settings.key_management_settings`. Unknown keys are looked at apart, as LiteLLM has some of its own.
 */
export const keyManagementSchema: z.ZodType<KeyManagementSection> = z
  .looseObject(shape)
  .describe("The outer bound of everyone's access, and how virtual keys are stored. LiteLLM reads it too.");

/** The keys of the seed's table. */
export const keyManagementKeys: readonly string[] = Object.keys(shape);

/** Settings of LiteLLM's other managers in the same section. */
export const foreignKeyManagementKeys: readonly string[] = [
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
];

/** LiteLLM's key management systems that stand for a manager of the broker. */
export const supportedSystems: readonly string[] = ["custom", "local"];

/** All of LiteLLM's key management systems. */
export const keyManagementSystems: readonly string[] = [
  ...supportedSystems,
  "google_kms",
  "azure_key_vault",
  "aws_secret_manager",
  "google_secret_manager",
  "hashicorp_vault",
  "cyberark",
  "aws_kms",
];
