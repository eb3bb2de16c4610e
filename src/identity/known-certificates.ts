import type { Caller, Proof } from "../domain/caller.js";
import { SecretError } from "../domain/secret-error.js";
import type { CertificateNames } from "./certificate-names.js";
import type { ClientCertificate } from "./client-certificate.js";
import type { Connection } from "./connection.js";
import { parseForwardedCertificate } from "./forwarded-certificate.js";
import { isDnsName, trustDomainOf } from "./spiffe-id.js";

/** What a call brings that a certificate can stand behind. */
export interface CertificateCredentials {
  /** The connection it came over; undefined once that is closed. */
  readonly connection?: Connection | undefined;
  /** The metadata key `x-forwarded-client-cert`, several of them joined. */
  readonly forwardedCertificate?: string | undefined;
}

/** Which certificates prove what. */
export interface CertificateSettings {
  /** Trust domains whose SPIFFE IDs are principals. */
  readonly trustDomains: readonly string[];
  /** DNS names that are principals; one that begins with `*.` is for each name one label longer. */
  readonly dnsNames: readonly string[];
  /** What some of them are called instead. */
  readonly principals: readonly CertificatePrincipal[];
  /** The principals that may vouch for the certificates of others; undefined where nobody is listened to. */
  readonly proxies: readonly string[] | undefined;
}

/** Another name for whoever has a certificate. */
export interface CertificatePrincipal {
  /** `spiffe://…`, or `dns:` and a name. */
  readonly certificate: string;
  readonly principal: string;
  readonly groups: readonly string[];
}

type Identity = Pick<CertificatePrincipal, "principal" | "groups">;

/** What a caller was identified by. */
interface Ground {
  readonly certificate: ClientCertificate;
  /** Those a proxy vouches for; undefined without a proxy. */
  readonly forwarded: CertificateNames | undefined;
}

/** What is remembered of a connection. */
interface Remembered {
  readonly certificate: ClientCertificate;
  readonly own: Caller;
  // header → the caller it stands for; undefined for whoever is no proxy
  readonly forwarded: Map<string, Caller> | undefined;
}

/** How many callers of a proxy are remembered for each of its connections. */
const maxForwarded = 1_000;

const grounds = new WeakMap<Caller, Ground>();

/** The certificates of a configuration: whose they are, and which proxies may speak of them. */
export class KnownCertificates {
  readonly #trustDomains: ReadonlySet<string>;
  readonly #dnsNames: ReadonlySet<string>;
  readonly #principals: ReadonlyMap<string, Identity>;
  readonly #proxies: ReadonlySet<string> | undefined;
  readonly #remembered = new WeakMap<Connection, Remembered>();

  constructor({ trustDomains, dnsNames, principals, proxies }: CertificateSettings) {
    this.#trustDomains = new Set(trustDomains);
    this.#dnsNames = new Set(dnsNames);
    this.#principals = new Map(principals.map((each) => [each.certificate, each]));
    this.#proxies = proxies && new Set(proxies);
  }

  /**
   * Who calls by the certificate of the connection, which is looked into once a connection.
   * @returns undefined when the client showed none
   * @throws SecretError `CREDENTIAL_MISSING`, `CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED`
   */
  identify({ connection, forwardedCertificate }: CertificateCredentials): Caller | undefined {
    const remembered = this.#rememberedOf(connection);
    if (remembered?.forwarded === undefined) {
      if (forwardedCertificate !== undefined && this.#proxies !== undefined) throw notFromProxy();
      return remembered?.own;
    }
    if (forwardedCertificate === undefined) throw nothingForwarded();
    return remembered.forwarded.get(forwardedCertificate) ?? this.#forward(remembered, forwardedCertificate);
  }

  /** Whether a caller that was identified by a certificate before, perhaps under other settings, still would be. */
  stillKnows(caller: Caller): boolean {
    const ground = grounds.get(caller);
    if (ground?.certificate.standing !== "good") return false;
    const own = this.#identityOf(ground.certificate.names);
    if (this.#isProxy(own) !== (ground.forwarded !== undefined)) return false;
    return isSame(ground.forwarded === undefined ? own : this.#identityOf(ground.forwarded), caller);
  }

  /** @throws SecretError `CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED` */
  #rememberedOf(connection: Connection | undefined): Remembered | undefined {
    if (connection?.certificate === undefined) return undefined;
    const { certificate } = connection;
    assertGood(certificate, connection);
    return this.#remembered.get(connection) ?? this.#remember(connection, certificate);
  }

  #remember(connection: Connection, certificate: ClientCertificate): Remembered {
    const identity = this.#identityOf(certificate.names);
    if (identity === undefined) throw namelessCertificate();
    const own = callerOf(identity, connection.peer, { certificate, forwarded: undefined });
    const forwarded = this.#isProxy(identity) ? new Map<string, Caller>() : undefined;
    const remembered = { certificate, own, forwarded };
    this.#remembered.set(connection, remembered);
    return remembered;
  }

  #forward({ certificate, own, forwarded: callers }: Remembered, header: string): Caller {
    const forwarded = parseForwardedCertificate(header);
    const identity = this.#identityOf(forwarded);
    // A proxy that could vouch for a proxy would make a chain nobody has looked at.
    if (identity === undefined || this.#isProxy(identity)) throw badlyForwarded();
    if (callers !== undefined && callers.size >= maxForwarded) callers.clear();
    const caller = callerOf(identity, own.peer, { certificate, forwarded });
    callers?.set(header, caller);
    return caller;
  }

  #isProxy(identity: Identity | undefined): boolean {
    return identity !== undefined && this.#proxies?.has(identity.principal) === true;
  }

  /** A SPIFFE ID where there are URIs, else a DNS name; undefined where that leaves a doubt. */
  #identityOf(names: CertificateNames | undefined): Identity | undefined {
    if (names === undefined) return undefined;
    const { uris, dnsNames } = names;
    const name = uris.length > 0 ? this.#spiffeIdAmong(uris) : this.#dnsNameAmong(dnsNames);
    return name === undefined ? undefined : (this.#principals.get(name) ?? { principal: name, groups: [] });
  }

  #spiffeIdAmong(uris: readonly string[]): string | undefined {
    const [id = ""] = uris;
    const trustDomain = uris.length === 1 ? trustDomainOf(id) : undefined;
    return trustDomain !== undefined && this.#trustDomains.has(trustDomain) ? id : undefined;
  }

  #dnsNameAmong(names: readonly string[]): string | undefined {
    if (!names.every(isDnsName)) return undefined;
    const known = names.filter((name) => this.#knowsDnsName(name));
    return known.length === 1 ? `dns:${known.join("")}` : undefined;
  }

  #knowsDnsName(name: string): boolean {
    return this.#dnsNames.has(name) || this.#dnsNames.has(name.replace(/^[^.]+/u, "*"));
  }
}

function callerOf({ principal, groups }: Identity, peer: string, ground: Ground): Caller {
  const provenBy: Proof = ground.forwarded === undefined ? "mtls" : "forwarded_certificate";
  const { expiresAtMs } = ground.certificate;
  const caller = Object.freeze<Caller>({ principal, groups, provenBy, peer, expiresAtMs });
  grounds.set(caller, ground);
  return caller;
}

function assertGood(certificate: ClientCertificate, connection: Connection): void {
  const { standing } = certificate;
  if (standing === "good") return;
  connection.retire();
  if (standing === "expired") throw new SecretError("CREDENTIAL_EXPIRED", "the client certificate has expired");
  throw invalid("the client certificate is not from an authority that is trusted, or is not valid for clients now");
}

function isSame(identity: Identity | undefined, { principal, groups }: Caller): boolean {
  return identity?.principal === principal && identity.groups.join("\n") === groups.join("\n");
}

function namelessCertificate(): SecretError {
  return invalid("the client certificate must have one SPIFFE ID, or else one DNS name, that is accepted here");
}

function notFromProxy(): SecretError {
  return invalid("x-forwarded-client-cert is only taken from a proxy that the configuration names");
}

function nothingForwarded(): SecretError {
  const message = "a proxy speaks for others only: x-forwarded-client-cert is missing, so the client showed it nothing";
  return new SecretError("CREDENTIAL_MISSING", message);
}

function badlyForwarded(): SecretError {
  return invalid("x-forwarded-client-cert must have one element with one name that is accepted here");
}

function invalid(message: string): SecretError {
  return new SecretError("CREDENTIAL_INVALID", message);
}
