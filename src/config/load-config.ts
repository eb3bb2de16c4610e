import { resolve } from "node:path";
import type { AuthenticationConfig } from "./authentication-config.js";
import type { Config } from "./config.js";
import { rightsWarnings } from "./file-rights.js";
import { loadJwtFiles } from "./jwt-files.js";
import type { ListenOverride } from "./listen-override.js";
import { type LoadedConfig, parseConfig } from "./parse-config.js";
import { loadPolicyFiles } from "./policy-files.js";
import { readConfigText } from "./read-config-text.js";
import { loadTokenFile } from "./token-file.js";

export type { LoadedConfig } from "./parse-config.js";

/** What replaces settings of the file. */
export interface ConfigOverrides {
  /**
   * Addresses instead of `secret_broker.listen`, unless it is empty; relative paths of sockets are relative to the
   * working directory.
   */
  readonly listen?: readonly string[];
  /** An address, or `off`, instead of `secret_broker.admin.listen`. */
  readonly adminListen?: string | undefined;
}

/**
 * Reads and checks a config.yaml.
 * @throws ConfigError with every problem at once, also when the file cannot be read
 */
export async function loadConfig(file: string, overrides: ConfigOverrides = {}): Promise<LoadedConfig> {
  const path = resolve(file);
  const { config, warnings } = parseConfig({ text: await readConfigText(path), file: path }, listenOverride(overrides));
  const [whole, more] = await Promise.all([withOtherFiles(config), rightsWarnings(config)]);
  return { config: whole, warnings: [...warnings, ...more] };
}

/** The configuration with what stands in files beside it. */
async function withOtherFiles(config: Config): Promise<Config> {
  const { file, policies, policyFiles, authentication } = config;
  const [others, read] = await Promise.all([
    loadPolicyFiles(policyFiles, { file, policies: policies ?? [] }),
    authentication && withCredentialFiles(authentication),
  ]);
  return { ...config, policies: policies && [...policies, ...others], authentication: read };
}

async function withCredentialFiles({ tokens, jwt, ...others }: AuthenticationConfig): Promise<AuthenticationConfig> {
  const [entries, issuers] = await Promise.all([
    tokens === undefined ? [] : loadTokenFile(tokens.file),
    loadJwtFiles(jwt),
  ]);
  return { tokens: tokens && { ...tokens, entries }, jwt: issuers, ...others };
}

function listenOverride({ listen = [], adminListen }: ConfigOverrides): ListenOverride {
  return { listen, adminListen, directory: resolve(".") };
}
