import { z } from "zod";
import type { JwtKeysConfig, RemoteKeysConfig } from "./jwt-config.js";
import { filePathSchema } from "./path-schema.js";
import { durationSchema, type Quantity } from "./quantity-schema.js";

const discoveryPath = "/.well-known/openid-configuration";

/** Where an issuer's keys are, as it was read. */
export interface KeySettings {
  readonly issuer: string;
  readonly jwks_url?: string | undefined;
  readonly jwks_file?: string | undefined;
  readonly discovery_url?: string | undefined;
  readonly ca_file?: string | undefined;
  readonly bearer_token_file?: string | undefined;
  readonly refresh_interval: number;
  readonly refetch_cooldown: number;
  readonly max_stale: number;
  readonly fetch_timeout: number;
}

const urlRule = "must be an https URL without a user, password or fragment; http is for loopback only";

const urlSchema: z.ZodType<string, string> = z.string().max(2_048).refine(isSafeUrl, { error: urlRule });

/** The settings that say where an issuer's keys are. @param directory what relative paths are relative to */
export function keySettings(directory: string): KeySettingShapes {
  return {
    jwks_url: urlSchema.optional().describe("The URL of its JSON Web Key Set."),
    jwks_file: filePathSchema(directory)
      .optional()
      .describe("Or the file of its JSON Web Key Set. Relative to the configuration's directory."),
    discovery_url: urlSchema.optional().meta({
      description: "Or the URL of its OIDC discovery document, which names the key set's.",
      "x-default": `the issuer and \`${discoveryPath}\``,
    }),
    ca_file: filePathSchema(directory).optional().meta({
      description: "The certificates (PEM) that prove the server of the URL, instead of those Node.js trusts.",
    }),
    bearer_token_file: filePathSchema(directory)
      .optional()
      .describe("A bearer token that the server of the URL, and no other, is sent."),
    refresh_interval: durationSchema({
      ...{ standard: "10m", min: "10s", max: "24h" },
      description: "How often the keys are fetched again.",
    }),
    refetch_cooldown: durationSchema({
      ...{ standard: "30s", min: "1s", max: "1h" },
      description: "After a fetch, how long a key that is not known makes no other.",
    }),
    max_stale: durationSchema({
      ...{ standard: "24h", min: "10s", max: "168h" },
      description: "How long keys are used while they cannot be fetched again.",
    }),
    fetch_timeout: durationSchema({
      ...{ standard: "5s", min: "100ms", max: "30s" },
      description: "How long fetching them may take.",
    }),
  };
}

/** The schemas of {@link KeySettings}, but for the issuer's. */
export interface KeySettingShapes {
  readonly jwks_url: z.ZodOptional<z.ZodType<string, string>>;
  readonly jwks_file: z.ZodOptional<z.ZodType<string, string>>;
  readonly discovery_url: z.ZodOptional<z.ZodType<string, string>>;
  readonly ca_file: z.ZodOptional<z.ZodType<string, string>>;
  readonly bearer_token_file: z.ZodOptional<z.ZodType<string, string>>;
  readonly refresh_interval: Quantity;
  readonly refetch_cooldown: Quantity;
  readonly max_stale: Quantity;
  readonly fetch_timeout: Quantity;
}

/** Where an issuer's keys are; undefined, and noted, where the settings contradict each other. */
export function keysConfig(settings: KeySettings, context: z.RefinementCtx): JwtKeysConfig | undefined {
  const [key, message] = keysProblem(settings) ?? [];
  if (key === undefined) return settings.jwks_file === undefined ? remoteKeys(settings) : keyFile(settings.jwks_file);
  context.addIssue({ code: "custom", message, path: [key] });
  return undefined;
}

type KeysProblem = readonly [setting: keyof KeySettings, message: string];

function keysProblem(settings: KeySettings): KeysProblem | undefined {
  const sources = (["jwks_url", "jwks_file", "discovery_url"] as const).filter((key) => settings[key] !== undefined);
  const [first = "", second] = sources;
  if (second !== undefined) return [second, `cannot go with ${first}; keep one of them`];
  if (settings.jwks_file !== undefined) {
    const unused = (["ca_file", "bearer_token_file"] as const).find((key) => settings[key] !== undefined);
    return unused && [unused, "is not used with jwks_file; remove it"];
  }
  if (settings.max_stale < settings.refresh_interval) return ["max_stale", "must be at least refresh_interval"];
  if (isSafeUrl(urlOf(settings))) return undefined;
  return ["issuer", "must be an https URL to find its keys by; or say where they are with jwks_url or jwks_file"];
}

function keyFile(path: string): JwtKeysConfig {
  return { kind: "file", path, text: "" };
}

function urlOf({ issuer, jwks_url: keysUrl, discovery_url: discoveryUrl }: KeySettings): string {
  return keysUrl ?? discoveryUrl ?? `${issuer.replace(/\/$/u, "")}${discoveryPath}`;
}

function remoteKeys(settings: KeySettings): RemoteKeysConfig {
  return {
    ...{ kind: settings.jwks_url === undefined ? "discovery" : "jwks", url: urlOf(settings) },
    caFile: settings.ca_file,
    bearerTokenFile: settings.bearer_token_file,
    refreshIntervalMs: settings.refresh_interval,
    refetchCooldownMs: settings.refetch_cooldown,
    maxStaleMs: settings.max_stale,
    fetchTimeoutMs: settings.fetch_timeout,
  };
}

/** Whether keys may be fetched from there: nobody on the way can replace them. */
function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (username !== "" || password !== "" || hash !== "") return false;
  const isLoopback = hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/u.test(hostname);
  return protocol === "https:" || (protocol === "http:" && isLoopback);
}
