import type { Caller } from "../domain/caller.js";
import { SecretError } from "../domain/secret-error.js";
import { isStaticToken } from "./access-token.js";
import type { JwtCallers } from "./jwt-callers.js";
import type { CertificateCredentials, KnownCertificates } from "./known-certificates.js";
import type { KnownTokens } from "./known-tokens.js";
import { hashToken } from "./token-hashes.js";
import { createLocalCallers, type IdentifyPeer } from "./local-caller.js";

/** What a call brings to prove who makes it. */
export interface Credentials extends CertificateCredentials {
  /** Where the call comes from: `127.0.0.1:4711`, or `unix` for a socket. */
  readonly peer: string;
  /** The metadata key `authorization`; the first where it is given more than once, as Node.js takes no other. */
  readonly authorization: string | undefined;
}

/** Whose a Unix socket is: whoever may open it is that principal. */
export interface Workload {
  readonly principal: string;
  readonly groups: readonly string[];
}

/** What a listener says of its callers. */
export interface ListenerCallers {
  readonly workload?: Workload | undefined;
  /** Whether other machines can connect: then nobody is `local`, even when a reload leaves no way to prove anything. */
  readonly servesOthers?: boolean;
}

/** How callers are identified; swapped as a whole by a reload. */
export interface IdentityMethods {
  /** Undefined where none is accepted. Without any method, whoever can connect is `local`. */
  readonly tokens: KnownTokens | undefined;
  /** Undefined where no issuer of JSON Web Tokens is trusted. */
  readonly jwt: JwtCallers | undefined;
  /** Undefined when clients prove nothing by certificates. */
  readonly certificates: KnownCertificates | undefined;
}

const scheme = "Bearer ";

/**
 * Tells who makes a call that came in through one listener. A token goes before everything else: whoever brings one
 * means it, and is refused when it is bad.
 */
export class CallerIdentity {
  readonly #methods: () => IdentityMethods;
  readonly #identifyLocal: IdentifyPeer = createLocalCallers();
  readonly #workload: Caller | undefined;
  readonly #servesOthers: boolean;

  constructor(methods: () => IdentityMethods, { workload, servesOthers = false }: ListenerCallers = {}) {
    this.#methods = methods;
    this.#servesOthers = servesOthers;
    this.#workload = workload && Object.freeze<Caller>({ ...workload, provenBy: "unix_socket", peer: "unix" });
  }

  /**
   * Tells at once, but for a token that must be verified first.
   * @throws SecretError `CREDENTIAL_MISSING`, `CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED`, `IDENTITY_UNAVAILABLE`,
   * `RATE_LIMITED`, as the promise may reject
   */
  identify(credentials: Credentials): Caller | Promise<Caller> {
    const { peer, authorization } = credentials;
    const methods = this.#methods();
    const takesTokens = methods.tokens !== undefined || methods.jwt !== undefined;
    // Where none is accepted none is looked at, so that callers can be given theirs before a broker asks for them.
    if (authorization !== undefined && takesTokens) {
      const caller = identifyByToken(methods, authorization, credentials);
      return caller instanceof Promise ? this.#unlessReloaded(caller, methods, credentials) : caller;
    }
    const proven = methods.certificates?.identify(credentials);
    if (proven !== undefined) return proven;
    if (this.#workload !== undefined) return this.#workload;
    if (this.#servesOthers || hasMethod(methods)) throw missing();
    return this.#identifyLocal(peer);
  }

  /** What was proven under settings that are no longer in force is proven again. */
  async #unlessReloaded(later: Promise<Caller>, methods: IdentityMethods, credentials: Credentials): Promise<Caller> {
    const caller = await later;
    return this.#methods() === methods ? caller : this.identify(credentials);
  }
}

/** Whether a caller that was identified under other settings would still be identified under these. */
export function stillKnows(methods: IdentityMethods, caller: Caller): boolean {
  const { tokens, certificates, jwt } = methods;
  switch (caller.provenBy) {
    case "token":
      return tokens?.stillKnows(caller) === true;
    case "jwt":
      return jwt?.stillKnows(caller) === true;
    case "mtls":
    case "forwarded_certificate":
      return certificates?.stillKnows(caller) === true;
    case "none":
      return !hasMethod(methods);
    case "unix_socket":
      return true;
  }
}

function hasMethod({ tokens, certificates, jwt }: IdentityMethods): boolean {
  return tokens !== undefined || certificates !== undefined || jwt !== undefined;
}

function identifyByToken(methods: IdentityMethods, given: string, from: Credentials): Caller | Promise<Caller> {
  if (!given.startsWith(scheme)) throw invalid('the authorization metadata must be "Bearer" and a token');
  const token = given.slice(scheme.length);
  const hashes = from.connection?.tokenHashes;
  const known = hashes?.get(token);
  if (known !== undefined) return callerOfToken(methods, token, { hash: known, peer: from.peer });
  const hash = hashToken(token);
  const caller = callerOfToken(methods, token, { hash, peer: from.peer });
  if (!(caller instanceof Promise)) hashes?.remember(token, hash);
  return caller;
}

function callerOfToken(
  { tokens, jwt }: IdentityMethods,
  token: string,
  { hash, peer }: { readonly hash: string; readonly peer: string },
): Caller | Promise<Caller> {
  if (jwt !== undefined && (tokens === undefined || !isStaticToken(token))) return jwt.identify(token, hash, peer);
  if (tokens === undefined) throw missing();
  return tokens.identify(hash, peer);
}

function missing(): SecretError {
  return new SecretError("CREDENTIAL_MISSING", missingMessage);
}

const missingMessage =
  "a credential is needed: send a bearer token as authorization metadata, or show a client certificate";

function invalid(message: string): SecretError {
  return new SecretError("CREDENTIAL_INVALID", message);
}
