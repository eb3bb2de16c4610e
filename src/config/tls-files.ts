import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { Config, TlsConfig } from "./config.js";
import { ConfigError, type ConfigProblem } from "./config-error.js";
import { refuseOpenKey, refuseOpenManagerKey } from "./file-rights.js";

/** What the files of a listener hold, checked. */
export interface TlsFiles {
  /** PEM, with the issuers that clients need. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  /** The authorities of clients; empty where they show no certificate. */
  readonly clientAuthorities: readonly X509Certificate[];
  /** When the certificate expires, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** More than any certificate with its issuers has. */
const maxBytes = 1024 * 1024;

/**
 * Reads the files of a listener.
 * @throws ConfigError when one cannot be used, when they do not belong together, or when others may read the key
 */
export async function loadTlsFiles({ certificate: file, key: keyFile, clientCa }: TlsConfig): Promise<TlsFiles> {
  const [certificate, key, clientAuthorities] = await Promise.all([
    readPem(file),
    readKey(keyFile),
    clientCa === undefined ? [] : readAuthorities(clientCa),
  ]);
  const leaf = firstCertificate(certificate, file);
  const expiresAtMs = assertCurrent(leaf, file);
  assertPair({ leaf, certificate, key }, { certificate: file, key: keyFile });
  return { certificate, key, clientAuthorities, expiresAtMs };
}

/** What is wrong with the files of all listeners, and with the key that the manager is shown. */
export async function tlsProblems({ listen, manager }: Pick<Config, "listen" | "manager">): Promise<ConfigProblem[]> {
  const found = listen.map(async (address) => {
    if (address.kind === "tcp" && address.tls !== undefined) await loadTlsFiles(address.tls);
  });
  return (await Promise.all([...found, refuseOpenManagerKey(manager)].map(problemsOf))).flat();
}

async function problemsOf(check: Promise<void>): Promise<readonly ConfigProblem[]> {
  try {
    await check;
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** The certificates of a PEM file, in its order. @throws Error when one cannot be read */
function parseCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/gu) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

async function readPem(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size <= maxBytes) return await readFile(file, "utf8");
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    refuse(file, isMissing ? "is not there" : "cannot be read; give the broker's user the right to read it");
  }
  return refuse(file, "is too large to be certificates or a key; it may have 1 MiB");
}

async function readKey(file: string): Promise<string> {
  const text = await readPem(file);
  await refuseOpenKey(file);
  return text;
}

async function readAuthorities(file: string): Promise<readonly X509Certificate[]> {
  const authorities = certificatesIn(await readPem(file), file);
  if (authorities.some(({ ca }) => !ca)) {
    refuse(file, "holds a certificate that is not an authority's; leave only those that sign client certificates");
  }
  return authorities;
}

function firstCertificate(pem: string, file: string): X509Certificate {
  const [first] = certificatesIn(pem, file);
  return first ?? refuse(file, "holds no certificate; it must be PEM");
}

function certificatesIn(pem: string, file: string): readonly X509Certificate[] {
  try {
    const certificates = parseCertificates(pem);
    if (certificates.length > 0) return certificates;
  } catch {
    return refuse(file, "holds a certificate that cannot be read; it must be PEM");
  }
  return refuse(file, "holds no certificate; it must be PEM");
}

function assertCurrent({ validFromDate, validToDate }: X509Certificate, file: string): number {
  const nowMs = Date.now();
  if (validToDate.getTime() <= nowMs) refuse(file, `expired at ${validToDate.toISOString()}; renew it`);
  if (validFromDate.getTime() > nowMs) refuse(file, `is valid only from ${validFromDate.toISOString()} on`);
  return validToDate.getTime();
}

interface Pair {
  readonly leaf: X509Certificate;
  readonly certificate: string;
  readonly key: string;
}

function assertPair({ leaf, certificate, key }: Pair, files: Readonly<Record<"certificate" | "key", string>>): void {
  if (!leaf.checkPrivateKey(parseKey(key, files.key))) {
    refuse(files.key, "is not the key of the first certificate in the listener's tls.certificate");
  }
  try {
    createSecureContext({ cert: certificate, key, minVersion: "TLSv1.3" });
  } catch {
    refuse(files.certificate, "cannot be used with its key by TLS 1.3; it may be too weak");
  }
}

function parseKey(pem: string, file: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem);
  } catch {
    return refuse(file, "holds no private key that can be read; it must be PEM without a passphrase");
  }
}

function refuse(file: string, message: string): never {
  throw new ConfigError([{ file, line: 0, column: 0, path: "", message }]);
}
