import type { Payload } from "../../domain/payload.js";
import { isSecretError, SecretError, type SecretErrorReason } from "../../domain/secret-error.js";
import { coerceEnvironmentText, coerceManagerText } from "./coerce-like-litellm.js";
import { type LookUp, lookUpSecrets, type ReferenceSource } from "./look-up-secrets.js";
import { mapTexts } from "./map-texts.js";
import { parseReference, type Reference } from "./reference.js";

export type { ReferenceSource } from "./look-up-secrets.js";

/** What a reference stands for: text or bytes as they were written; booleans with `coerce: "litellm"` only. */
export type ResolvedValue = Payload | boolean;

/** How references are resolved. */
export interface ReferenceOptions {
  /** A client or a store, which is asked first; without one there is only the environment. */
  readonly source?: ReferenceSource | undefined;
  /** The caller's own environment, for names the broker does not host or knows to be absent: `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** What a failure is: `fail` unless given; `environment` takes the caller's own value then, as LiteLLM does. */
  readonly failurePolicy?: "fail" | "environment" | undefined;
  /** Values are exact unless `litellm` is given; then those LiteLLM takes for booleans are booleans. */
  readonly coerce?: "none" | "litellm" | undefined;
  /** Gives the token of a reference such as `oidc/github/audience`; they are refused unless it is given. */
  readonly oidc?: ((reference: string) => string | Promise<string>) | undefined;
}

type SecretReference = Extract<Reference, { readonly kind: "secret" }>;
type OidcReference = Extract<Reference, { readonly kind: "oidc" }>;

/** After these the caller's own environment is asked: the broker has no such name, rather than no answer. */
const absentReasons: ReadonlySet<SecretErrorReason> = new Set<SecretErrorReason>([
  "KEY_NOT_HOSTED",
  "SECRET_NOT_FOUND",
  "SECRET_DELETED",
]);

/** Resolves references such as `os.environ/OPENAI_API_KEY`: the broker first, then the caller's own environment. */
export class ReferenceResolver {
  readonly #options: ReferenceOptions;

  /** Made by {@link createReferenceResolver}. */
  constructor(options: ReferenceOptions) {
    this.#options = options;
  }

  /**
   * What a reference, or a secret's bare name, stands for.
   * @throws SecretError `SECRET_NOT_FOUND` when neither the broker nor the environment has it, `CAPABILITY_UNSUPPORTED`
   * for an OIDC token, `CREDENTIAL_MISSING` when the function given as `oidc` failed, and whatever kept the broker from
   * answering
   */
  async resolve(reference: string, signal?: AbortSignal): Promise<ResolvedValue> {
    const parsed = this.#parse(reference) ?? { kind: "secret", name: reference };
    if (parsed.kind === "oidc") return await this.#resolveOidc(parsed);
    const found = await this.#lookUp([parsed.name], signal);
    return this.#valueOf(parsed, found.get(parsed.name));
  }

  /**
   * A copy of a configuration with every reference in it resolved; all other values stay as they are.
   * @throws SecretError that names every reference that could not be resolved, and where it stands
   */
  async resolveConfig<Config>(config: Config, signal?: AbortSignal): Promise<Config> {
    const secrets = new Set<string>();
    const oidc = new Map<string, OidcReference>();
    mapTexts(config, (text) => {
      const parsed = this.#parse(text);
      if (parsed?.kind === "secret") secrets.add(parsed.name);
      else if (parsed !== undefined) oidc.set(parsed.text, parsed);
    });
    const found = await this.#lookUp([...secrets], signal);
    const tokens = new Map<string, LookUp>();
    for (const [text, reference] of oidc) tokens.set(text, await outcomeOf(this.#resolveOidc(reference)));
    const problems: Problem[] = [];
    const resolved = mapTexts(config, (text, path) => {
      const parsed = this.#parse(text);
      if (parsed === undefined) return text;
      try {
        return parsed.kind === "secret" ? this.#valueOf(parsed, found.get(parsed.name)) : payloadOf(tokens.get(text));
      } catch (error) {
        if (!isSecretError(error)) throw error;
        problems.push({ path, text, error });
        return text;
      }
    });
    if (problems.length > 0) throw unresolved(problems);
    // The copy has the shape of the original, but for the texts that were references.
    return resolved as Config;
  }

  #parse(text: string): Reference | undefined {
    return parseReference(text, this.#options.coerce === "litellm");
  }

  async #lookUp(names: readonly string[], signal: AbortSignal | undefined): Promise<ReadonlyMap<string, LookUp>> {
    const { source } = this.#options;
    return source === undefined ? new Map() : await lookUpSecrets(source, names, signal);
  }

  #valueOf({ name }: SecretReference, found: LookUp | undefined): ResolvedValue {
    if (found?.ok === true) return this.#coerced(found.payload, coerceManagerText);
    const error = found?.error;
    const isAbsent = error === undefined || absentReasons.has(error.reason);
    if (!isAbsent && this.#options.failurePolicy !== "environment") throw error;
    const own = this.#ownValue(name);
    if (own === undefined) throw isAbsent ? this.#absent(name) : error;
    // LiteLLM reads a variable more leniently where no manager is asked at all.
    return this.#coerced(own, this.#options.source === undefined ? coerceEnvironmentText : coerceManagerText);
  }

  #coerced(payload: Payload, coerce: (text: string) => string | boolean): ResolvedValue {
    return this.#options.coerce === "litellm" && typeof payload === "string" ? coerce(payload) : payload;
  }

  #ownValue(name: string): string | undefined {
    const { environment = {} } = this.#options;
    return Object.hasOwn(environment, name) ? environment[name] : undefined;
  }

  #absent(name: string): SecretError {
    const { source, environment } = this.#options;
    const broker = source === undefined ? "no broker was asked for" : "the broker does not have";
    const own =
      environment === undefined ? 'no environment was given (pass "environment")' : "nor does the environment";
    return new SecretError("SECRET_NOT_FOUND", `${broker} "${name}", and ${own}`, { metadata: { name } });
  }

  async #resolveOidc({ text, provider }: OidcReference): Promise<string> {
    const { oidc } = this.#options;
    if (oidc !== undefined) return await tokenFrom(oidc, text);
    const message =
      `"oidc/${provider}/…" stands for a token of an identity provider, not for a secret, and would be ` +
      'fetched past the broker, its policy and its audit; give the option "oidc" to allow that';
    throw new SecretError("CAPABILITY_UNSUPPORTED", message, { metadata: { capability: "oidc" } });
  }
}

/** Creates what resolves references. */
export function createReferenceResolver(options: ReferenceOptions): ReferenceResolver {
  return new ReferenceResolver(options);
}

interface Problem {
  readonly path: string;
  readonly text: string;
  readonly error: SecretError;
}

async function outcomeOf(work: Promise<string>): Promise<LookUp> {
  try {
    return { ok: true, payload: await work };
  } catch (error) {
    if (!isSecretError(error)) throw error;
    return { ok: false, error };
  }
}

/** What the user's function gives; what it throws is its own, and may say what the token is. */
async function tokenFrom(oidc: NonNullable<ReferenceOptions["oidc"]>, text: string): Promise<string> {
  try {
    return await oidc(text);
  } catch (error) {
    if (isSecretError(error)) throw error;
    throw new SecretError("CREDENTIAL_MISSING", "the function given as oidc failed", { cause: error });
  }
}

function payloadOf(found: LookUp | undefined): Payload {
  if (found?.ok === true) return found.payload;
  throw found?.error ?? new SecretError("INTERNAL_ERROR", "a reference was not looked up");
}

function unresolved(problems: readonly Problem[]): SecretError {
  const listed = problems.map(({ path, text, error }) => `${path}: "${text}" (${error.reason})`).join("; ");
  const [first] = problems;
  const message = `${String(problems.length)} references could not be resolved: ${listed}`;
  return new SecretError(first?.error.reason ?? "INTERNAL_ERROR", message, {
    cause: first?.error,
    metadata: Object.fromEntries(problems.map(({ path, error }) => [path, error.reason])),
  });
}
