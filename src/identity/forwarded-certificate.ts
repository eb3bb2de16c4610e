import type { CertificateNames } from "./certificate-names.js";

/** What Envoy can say of a client's certificate. */
const keys: ReadonlySet<string> = new Set(["by", "hash", "cert", "chain", "subject", "uri", "dns"]);

/** Of names there may be several. */
const repeatable: ReadonlySet<string> = new Set(["uri", "dns"]);

/** A key and a value in quotes or without; then the next pair, the next element or the end. */
const pair = /([A-Za-z]+)=("(?:[^"\\]|\\["\\])*"|[^",;=\\]*)(;|,|$)/uy;

/**
 * Reads the names in a header `x-forwarded-client-cert`, strictly.
 * @returns undefined when it is malformed or has more than one element: the others come from further away, perhaps from
 *   the client itself
 */
export function parseForwardedCertificate(header: string): CertificateNames | undefined {
  const pairs = parseElement(header);
  if (pairs === undefined) return undefined;
  const single = pairs.map(([key]) => key).filter((key) => !repeatable.has(key));
  if (new Set(single).size < single.length) return undefined;
  const valuesOf = (wanted: string): string[] => pairs.filter(([key]) => key === wanted).map(([, value]) => value);
  return { uris: valuesOf("uri"), dnsNames: valuesOf("dns") };
}

/** The pairs of a header that is one element; undefined for every other. */
function parseElement(header: string): (readonly [string, string])[] | undefined {
  const pairs: (readonly [string, string])[] = [];
  for (let at = 0, isLast = false; !isLast; at = pair.lastIndex) {
    pair.lastIndex = at;
    const [, written = "", given = "", end] = pair.exec(header) ?? [];
    const key = written.toLowerCase();
    if (end === undefined || end === "," || !keys.has(key)) return undefined;
    pairs.push([key, unquoted(given)]);
    isLast = end === "";
  }
  return pairs;
}

function unquoted(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(["\\])/gu, "$1") : value;
}
