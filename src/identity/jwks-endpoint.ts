import { readFile } from "node:fs/promises";
import type { RemoteKeysConfig } from "../config/jwt-config.js";
import { fetchFailure, fetchJson, type JsonRequest } from "./jwks-fetch.js";
import { IssuerKeys } from "./jwks-keys.js";
import { isClaims } from "./jwt-text.js";

/** Whose keys are fetched, and from where. */
export interface KeyEndpoint {
  /** The claim `iss`, which a discovery document must name too. */
  readonly issuer: string;
  readonly config: RemoteKeysConfig;
}

/**
 * Fetches an issuer's keys, through its discovery document where that is configured.
 * @throws SecretError `IDENTITY_UNAVAILABLE`
 */
export async function fetchIssuerKeys({ issuer, config }: KeyEndpoint, signal: AbortSignal): Promise<IssuerKeys> {
  const { kind, url, caFile, bearerTokenFile } = config;
  // Read each time, as both are replaced while the broker runs.
  const [ca, bearerToken] = await Promise.all([optionalText(caFile), optionalText(bearerTokenFile)]);
  const first: JsonRequest = { url, ca, bearerToken: bearerToken && printable(bearerToken.trim()), signal };
  const answer = await fetchJson(first);
  if (kind === "jwks") return new IssuerKeys(answer);
  return new IssuerKeys(await fetchJson(keySetRequest(first, answer, issuer)));
}

/** The document is as trusted as its server, but for who else is sent the broker's token. */
function keySetRequest(discovery: JsonRequest, document: unknown, issuer: string): JsonRequest {
  const { jwks_uri: keysUrl, issuer: named } = isClaims(document) ? document : {};
  if (named !== issuer) throw fetchFailure("the discovery document names another issuer");
  if (typeof keysUrl !== "string" || !URL.canParse(keysUrl))
    throw fetchFailure("the discovery document names no jwks_uri");
  const [from, to] = [new URL(discovery.url), new URL(keysUrl)];
  const isSameOrigin = to.origin === from.origin;
  if (to.protocol !== "https:" && !isSameOrigin) throw fetchFailure("the discovery document's jwks_uri is not https");
  if (to.username !== "" || to.password !== "") throw fetchFailure("the discovery document's jwks_uri has a password");
  return { ...discovery, url: keysUrl, bearerToken: isSameOrigin ? discovery.bearerToken : undefined };
}

async function optionalText(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw fetchFailure("a file that the request needs, its ca_file or bearer_token_file, cannot be read", error);
  }
}

/** What cannot stand in a header would be quoted by whoever refuses it. */
function printable(token: string): string {
  if (/^[\x21-\x7e]{1,16384}$/u.test(token)) return token;
  throw fetchFailure("the bearer_token_file holds no token");
}
