/** The names of a certificate that can tell whose it is. */
export interface CertificateNames {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
}

const noNames: CertificateNames = { uris: [], dnsNames: [] };

/** One name: its kind, and its value as it is or as a JSON string. */
const entry =
  /(DNS|URI|email|IP Address|DirName|Registered ID|othername|X400Name|EdiPartyName):("(?:[^"\\]|\\.)*"|[^",]*)(, |$)/uy;

/**
 * Reads the alternative names of a certificate as `X509Certificate.subjectAltName` writes them. There a value that could
 * be mistaken for several is a JSON string, so a name cannot smuggle in another one.
 * @returns undefined when the text is not of that form as a whole
 */
export function parseCertificateNames(text: string | undefined): CertificateNames | undefined {
  if (text === undefined || text === "") return noNames;
  const uris: string[] = [];
  const dnsNames: string[] = [];
  let isLast = false;
  entry.lastIndex = 0;
  for (let at = 0; !isLast; at = entry.lastIndex) {
    entry.lastIndex = at;
    const [, kind, written = "", end] = entry.exec(text) ?? [];
    const value = kind === undefined ? undefined : unquoted(written);
    if (value === undefined) return undefined;
    if (kind === "URI") uris.push(value);
    if (kind === "DNS") dnsNames.push(value);
    isLast = end === "";
  }
  return { uris, dnsNames };
}

function unquoted(written: string): string | undefined {
  if (!written.startsWith('"')) return written;
  try {
    const value: unknown = JSON.parse(written);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
