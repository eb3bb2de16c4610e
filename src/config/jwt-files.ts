import { ConfigError } from "./config-error.js";
import { refuseWritable } from "./file-rights.js";
import type { JwtIssuerConfig, JwtKeysConfig } from "./jwt-config.js";
import { isMapping } from "./mapping.js";
import { readConfigText } from "./read-config-text.js";

/** More keys than any issuer has. */
const maxKeys = 200;

/**
 * The issuers with the key sets that stand in files. What is read for each request, certificates and tokens, must be
 * there too: an issuer that can never be asked is a mistake.
 * @throws ConfigError with every problem of each file
 */
export async function loadJwtFiles(issuers: readonly JwtIssuerConfig[]): Promise<readonly JwtIssuerConfig[]> {
  return await Promise.all(issuers.map(async (issuer) => ({ ...issuer, keys: await withText(issuer.keys) })));
}

async function withText(keys: JwtKeysConfig): Promise<JwtKeysConfig> {
  if (keys.kind === "file") {
    const text = await readConfigText(keys.path);
    await refuseWritable(keys.path, "everyone");
    refuse(keys.path, keySetProblem(text));
    return { ...keys, text };
  }
  const { caFile, bearerTokenFile } = keys;
  if (caFile !== undefined) {
    const isCertificate = (await readConfigText(caFile)).includes("-----BEGIN CERTIFICATE-----");
    refuse(caFile, isCertificate ? undefined : "has no certificate; give PEM, which begins with BEGIN CERTIFICATE");
  }
  if (bearerTokenFile !== undefined) {
    const isEmpty = (await readConfigText(bearerTokenFile)).trim() === "";
    refuse(bearerTokenFile, isEmpty ? "is empty; give the file of a bearer token" : undefined);
  }
  return keys;
}

/** What is wrong with the text of a key set; never quotes it. */
function keySetProblem(text: string): string | undefined {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    return 'is not JSON; give a JSON Web Key Set, {"keys": [...]}';
  }
  const keys = isMapping(set) ? set["keys"] : undefined;
  if (!Array.isArray(keys) || keys.length === 0) return 'must be a JSON Web Key Set, {"keys": [...]}, with a key';
  if (keys.length > maxKeys) return `must have at most ${String(maxKeys)} keys`;
  if (!keys.every((key) => isMapping(key) && typeof key["kty"] === "string")) return "must have a kty for each key";
  const isSecret = keys.some((key: object) => "d" in key || "k" in key);
  return isSecret ? "holds a key that is secret; publish public keys only, and replace that one" : undefined;
}

function refuse(file: string, message: string | undefined): void {
  if (message !== undefined) throw new ConfigError([{ file, line: 0, column: 0, path: "", message }]);
}
