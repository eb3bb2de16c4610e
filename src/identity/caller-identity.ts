import type { Caller } from "../domain/caller.js";
import { SecretError } from "../domain/secret-error.js";
import { isStaticToken } from "./access-token.js";
import type { JwtCallers } from "./jwt-callers.js";
import type { KnownTokens } from "./known-tokens.js";
import { createLocalCallers, type IdentifyPeer } from "./local-caller.js";

/** What a call brings to prove who makes it. */
export interface Credentials {
  /** As grpc-js names it: `127.0.0.1:4711`, or `unknown` for a Unix socket. */
  readonly peer: string;
  /** The metadata key `authorization`; the first where it is given more than once, as Node.js takes no other. */
  readonly authorization: string | undefined;
}

/** Whose a Unix socket is: whoever may open it is that principal. */
export interface Workload {
  readonly principal: string;
  readonly groups: readonly string[];
}

/** How callers are identified; swapped as a whole by a reload. */
export interface IdentityMethods {
  /** Undefined where none is accepted. Without any method, whoever can connect is `local`. */
  readonly tokens: KnownTokens | undefined;
  /** Undefined where no issuer of JSON Web Tokens is trusted. */
  readonly jwt: JwtCallers | undefined;
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

  constructor(methods: () => IdentityMethods, workload?: Workload) {
    this.#methods = methods;
    this.#workload = workload && Object.freeze<Caller>({ ...workload, provenBy: "unix_socket", peer: "unix" });
  }

  /**
   * Tells at once, but for a token that must be verified first.
   * @throws SecretError `CREDENTIAL_MISSING`, `CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED`, `IDENTITY_UNAVAILABLE`,
   * `RATE_LIMITED`, as the promise may reject
   */
  identify({ peer, authorization }: Credentials): Caller | Promise<Caller> {
    const methods = this.#methods();
    const takesTokens = methods.tokens !== undefined || methods.jwt !== undefined;
    // Where none is accepted none is looked at, so that callers can be given theirs before a broker asks for them.
    if (authorization !== undefined && takesTokens) {
      const caller = identifyByToken(methods, authorization, peer);
      return caller instanceof Promise ? this.#unlessReloaded(caller, methods, { peer, authorization }) : caller;
    }
    if (this.#workload !== undefined) return this.#workload;
    if (takesTokens) throw missing();
    return this.#identifyLocal(peer);
  }

  /** What was proven under settings that are no longer in force is proven again. */
  async #unlessReloaded(later: Promise<Caller>, methods: IdentityMethods, credentials: Credentials): Promise<Caller> {
    const caller = await later;
    return this.#methods() === methods ? caller : this.identify(credentials);
  }
}

/** Whether a caller that was identified under other settings would still be identified under these. */
export function stillKnows({ tokens, jwt }: IdentityMethods, caller: Caller): boolean {
  if (caller.provenBy === "token") return tokens?.stillKnows(caller) === true;
  if (caller.provenBy === "jwt") return jwt?.stillKnows(caller) === true;
  return caller.provenBy !== "none" || (tokens === undefined && jwt === undefined);
}

function identifyByToken({ tokens, jwt }: IdentityMethods, given: string, peer: string): Caller | Promise<Caller> {
  if (!given.startsWith(scheme)) throw invalid('the authorization metadata must be "Bearer" and a token');
  const token = given.slice(scheme.length);
  const at = peer === "unknown" ? "unix" : peer;
  if (jwt !== undefined && (tokens === undefined || !isStaticToken(token))) return jwt.identify(token, at);
  if (tokens === undefined) throw missing();
  return tokens.identify(token, at);
}

function missing(): SecretError {
  return new SecretError("CREDENTIAL_MISSING", "a credential is needed: send a bearer token as authorization metadata");
}

function invalid(message: string): SecretError {
  return new SecretError("CREDENTIAL_INVALID", message);
}
