import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { type FileHandle, mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import {
  type AuditKey,
  type AuditVerifier,
  createAuditKey,
  createAuditVerifier,
  createAuditVerifierOf,
} from "../audit/audit-key.js";
import { SecretError } from "../domain/secret-error.js";
import type { Log } from "../log/log.js";

const fileMode = 0o600;
const directoryMode = 0o700;

/** Nobody but the owner may do anything with the file. */
const othersMask = 0o077;

/** What a directory says that nothing can be made in. */
const unwritableCodes: ReadonlySet<string> = new Set(["EROFS", "EACCES", "EPERM"]);

/**
 * The key of an audit trail, as PKCS#8 in PEM; made with the first start. In a directory nothing can be made in, a key
 * that ends with this process, which the log says.
 * @throws SecretError `CONFIG_INVALID` when the file is no such key, or others can read it
 */
export async function openAuditKey(path: string, log: Log): Promise<AuditKey> {
  const known = await readKey(path);
  if (known !== undefined) return createAuditKey(known);
  const { privateKey } = generateKeyPairSync("ed25519");
  const key = createAuditKey(privateKey);
  try {
    await mkdir(dirname(path), { recursive: true, mode: directoryMode });
    await writeNew(path, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    const advice = "keep the public key, which audit public-key prints, where the broker cannot change it";
    log.info({ path, key: key.id }, `a key that signs the audit trail was made; ${advice}`);
  } catch (error) {
    const code = codeOf(error);
    if (code === "EEXIST") return await readAuditKey(path);
    if (!unwritableCodes.has(code)) throw invalid(path, "cannot be written", error);
    const advice = "set audit.key to a path that can be written";
    log.warn({ path, key: key.id }, `the audit trail is signed with a key that ends with this process; ${advice}`);
  }
  return key;
}

/**
 * What checks the signatures of a trail.
 * @param path a private key, which also tells whether what is not signed yet is the broker's, or the public one
 * @throws SecretError `CONFIG_INVALID`
 */
export async function openAuditVerifier(path: string): Promise<AuditVerifier> {
  const pem = await readFile(path, "utf8").catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw invalid(path, "cannot be read", error);
    throw invalid(path, "does not exist; a broker's first start makes it, and audit public-key prints its public half");
  });
  const isPublic = pem.includes("PUBLIC KEY");
  const key = parse(path, () => (isPublic ? createPublicKey(pem) : createPrivateKey(pem)));
  return isPublic ? createAuditVerifier(key) : createAuditVerifierOf(createAuditKey(key));
}

/**
 * The key of a trail that was written before.
 * @throws SecretError `CONFIG_INVALID` also when there is none
 */
export async function readAuditKey(path: string): Promise<AuditKey> {
  const known = await readKey(path);
  if (known === undefined) throw invalid(path, "does not exist; the first start of a broker makes it");
  return createAuditKey(known);
}

async function readKey(path: string): Promise<KeyObject | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw invalid(path, "cannot be read", error);
  }
  await using file = handle;
  // Asked of what is open, so that nothing can take its place in between.
  const { mode } = await file.stat();
  if ((mode & othersMask) !== 0) throw invalid(path, `can be read or changed by other users; run "chmod 600 ${path}"`);
  const pem = await file.readFile("utf8");
  return parse(path, () => createPrivateKey(pem));
}

function parse(path: string, read: () => KeyObject): KeyObject {
  const mistake = 'is no Ed25519 key in PEM; "openssl genpkey -algorithm ed25519" makes one';
  try {
    const key = read();
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // OpenSSL's message may quote what it read.
  }
  throw invalid(path, mistake);
}

async function writeNew(path: string, pem: string): Promise<void> {
  await using handle = await open(path, "wx", fileMode);
  await handle.writeFile(pem);
  await handle.sync();
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function invalid(path: string, predicate: string, cause?: unknown): SecretError {
  return new SecretError("CONFIG_INVALID", `the audit key ${path} ${predicate}`, {
    ...(cause !== undefined && { cause }),
  });
}
