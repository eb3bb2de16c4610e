import { dirname } from "node:path";
import { brokerSchema } from "./broker-schema.js";
import type { Config, KeyManagementSettings } from "./config.js";
import type { ConfigProblem } from "./config-error.js";
import { ConfigProblems } from "./config-problems.js";
import { chooseManager } from "./choose-manager.js";
import { brokerConfig, type ListenOverride } from "./broker-config.js";
import {
  foreignKeyManagementKeys,
  keyManagementSchema,
  keyManagementKeys,
  type KeyManagementSection,
} from "./key-management-schema.js";
import { mappingKeys } from "./mapping-keys.js";
import { suggest, suggestion } from "./suggest.js";
import { YamlSource } from "./yaml-source.js";

/** A configuration that can be used. */
export interface LoadedConfig {
  readonly config: Config;
  /** What works but may not be meant. */
  readonly warnings: readonly ConfigProblem[];
}

/** The text of a configuration and where it came from. */
export interface ConfigText {
  readonly text: string;
  /** Absolute. Relative paths in the text are relative to its directory. */
  readonly file: string;
}

type Mapping = Readonly<Record<string, unknown>>;

const settingsPath = ["general_settings", "key_management_settings"];

/**
 * Reads a config.yaml: the seed's settings, and ours under `secret_broker`. LiteLLM's other keys are left alone.
 * @throws ConfigError with every problem at once
 */
export function parseConfig({ text, file }: ConfigText, override?: ListenOverride): LoadedConfig {
  const problems = new ConfigProblems(new YamlSource(text, file));
  problems.assertNone();
  const root = rootMapping(problems);
  const general = mapping(problems, "general_settings", root["general_settings"]);
  const settings = keyManagement(problems, general["key_management_settings"]);
  const section = problems.check(brokerSchema, brokerFacts, root["secret_broker"]);
  const manager = chooseManager(problems, {
    own: section === undefined ? "unknown" : section.manager,
    system: general["key_management_system"],
    classPath: classPathOf(general["key_management_settings"]),
    isEverythingHosted: settings !== undefined && settings.hosted_keys === undefined,
    directory: dirname(file),
  });
  const own = section && brokerConfig(problems, section, { directory: dirname(file), override });
  problems.assertNone();
  // With no problem noted, each part was read; the compiler cannot know.
  if (!settings || !manager || !own) throw new TypeError("a problem of the configuration was not noted");
  return { config: { file, manager, keyManagement: namedSettings(settings), ...own }, warnings: problems.warnings };
}

const brokerFacts = { path: ["secret_broker"], keys: mappingKeys(brokerSchema) };

function classPathOf(settings: unknown): string | undefined {
  const classPath = isMapping(settings) ? settings["custom_secret_manager"] : undefined;
  return typeof classPath === "string" ? classPath : undefined;
}

function rootMapping(problems: ConfigProblems): Mapping {
  const value = problems.source.value();
  if (isMapping(value)) {
    for (const key of Object.keys(value)) refuseLookalike(problems, key);
    return value;
  }
  const what = value === null ? "is empty" : "must be a mapping at its top";
  problems.refuse([], `the file ${what}; it needs general_settings or secret_broker`);
  problems.assertNone();
  return {};
}

/** Leaving our whole section out silently, for a misspelt name, would open what it was to close. */
function refuseLookalike(problems: ConfigProblems, key: string): void {
  const meant = suggest(key, ["secret_broker", "general_settings"]);
  if (meant !== undefined && meant !== key) problems.refuseKey([], key, `unknown key; did you mean "${meant}"?`);
}

function mapping(problems: ConfigProblems, key: string, value: unknown): Mapping {
  if (isMapping(value)) return value;
  if (value !== undefined && value !== null) problems.refuse([key], "must be a mapping");
  return {};
}

function keyManagement(problems: ConfigProblems, value: unknown): KeyManagementSection | undefined {
  if (isMapping(value)) for (const key of Object.keys(value)) checkKey(problems, key);
  const settings = problems.check(keyManagementSchema, { path: settingsPath, keys: new Map() }, value);
  if (settings === undefined) return undefined;
  if (settings.store_virtual_keys && settings.access_mode === "read_only") {
    const fix = 'set access_mode to "write_only" or "read_and_write", or store_virtual_keys to false';
    problems.refuse(
      [...settingsPath, "store_virtual_keys"],
      `virtual keys cannot be stored with access_mode "read_only"; ${fix}`,
    );
  }
  if (new Set(settings.hosted_keys).size < (settings.hosted_keys?.length ?? 0)) {
    problems.warn([...settingsPath, "hosted_keys"], "some names stand more than once");
  }
  return settings;
}

/** LiteLLM drops keys it does not know; one that was meant to narrow access must not vanish. */
function checkKey(problems: ConfigProblems, key: string): void {
  const known = keyManagementKeys;
  if (known.includes(key)) return;
  if ((foreignKeyManagementKeys as readonly string[]).includes(key)) {
    problems.warnKey(settingsPath, key, "belongs to another of LiteLLM's managers and is not used here");
  } else if (suggest(key, known) !== undefined) {
    problems.refuseKey(settingsPath, key, `unknown key${suggestion(key, known)}`);
  } else {
    problems.warnKey(settingsPath, key, "unknown key; it is not used");
  }
}

function namedSettings(section: KeyManagementSection): KeyManagementSettings {
  return {
    accessMode: section.access_mode,
    hostedKeys: section.hosted_keys,
    storeVirtualKeys: section.store_virtual_keys,
    virtualKeyPrefix: section.prefix_for_stored_virtual_keys,
    description: section.description,
    tags: section.tags,
  };
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
