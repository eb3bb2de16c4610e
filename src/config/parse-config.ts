import { dirname } from "node:path";
import { type BrokerSection, createBrokerSchema } from "./broker-schema.js";
import { chooseBySystem } from "./choose-manager.js";
import type { Config, KeyManagementSettings, ListenAddress, ManagerConfig } from "./config.js";
import type { ConfigProblem } from "./config-error.js";
import { ConfigProblems } from "./config-problems.js";
import { defaultEncryption } from "./encryption-schema.js";
import { readKeyManagement } from "./key-management.js";
import { type ListenOverride, readListenOverride, type ReadOverride } from "./listen-override.js";
import { isSameAddress } from "./listen-address.js";
import { refuseListenerConflicts } from "./listener-conflicts.js";
import { asMapping, isMapping, type Mapping } from "./mapping.js";
import { mappingKeys } from "./mapping-keys.js";
import { foundText } from "./schema-message.js";
import { suggest } from "./suggest.js";
import { refuseMisplacedKeys } from "./misplaced-keys.js";
import { warnOfSharedNames } from "./shared-names.js";
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

/**
 * Reads the text of a config.yaml: the seed's settings, and ours under `secret_broker`. LiteLLM's other keys are left
 * alone. Reads no file.
 * @throws ConfigError with every problem at once
 */
export function parseConfig({ text, file }: ConfigText, override?: ListenOverride): LoadedConfig {
  const problems = new ConfigProblems(new YamlSource(text, file));
  const overriding = override && readListenOverride(problems, override);
  if (!problems.source.isIntact) problems.assertNone();
  const parts = readParts(problems, dirname(file));
  const listening = parts.section && listeningOf(parts.section, overriding);
  noteConflicts(problems, parts, listening);
  problems.assertNone();
  const { keyManagement, manager, section } = parts;
  // With no problem noted, each part was read; the compiler cannot know.
  if (!keyManagement || !manager || !section || !listening) throw new TypeError("a problem was not noted");
  const { listen, adminListen } = listening;
  const config = { file, manager, keyManagement, listen, adminListen, ...ownSettings(section) };
  return { config, warnings: problems.warnings };
}

/** Where to listen, by the file or in place of what it says. */
interface Listening extends Pick<Config, "listen" | "adminListen"> {
  readonly isAdminOverridden: boolean;
}

function listeningOf({ listen, admin }: BrokerSection, override: ReadOverride | undefined): Listening {
  return {
    listen: override?.listen === undefined ? listen : guardedAs(listen, override.listen),
    adminListen: override?.admin === undefined ? admin : override.admin.address,
    isAdminOverridden: override?.admin !== undefined,
  };
}

/** Another address is no reason to answer what the file's do not: one that asks for metadata speaks for the others. */
function guardedAs(replaced: readonly ListenAddress[], given: readonly ListenAddress[]): ListenAddress[] {
  const isGuarded = replaced.some(({ requiresMetadata }) => requiresMetadata);
  return given.map((address) => (isGuarded ? { ...address, requiresMetadata: true } : address));
}

/** What was read of a file; undefined what is wrong, which is noted then. */
interface ConfigParts {
  readonly keyManagement: KeyManagementSettings | undefined;
  readonly section: BrokerSection | undefined;
  readonly manager: ManagerConfig | undefined;
}

function readParts(problems: ConfigProblems, directory: string): ConfigParts {
  const hasLookalikes = refuseMisplacedKeys(problems, []);
  const general = generalSettings(problems);
  const keyManagement = readKeyManagement(problems, general["key_management_settings"]);
  return { keyManagement, ...readBroker(problems, { general, directory, hasLookalikes }) };
}

/** What no part shows alone. */
function noteConflicts(
  problems: ConfigProblems,
  { keyManagement, section, manager }: ConfigParts,
  listening: Listening | undefined,
): void {
  if (manager && keyManagement) warnOfOpenEnvironment(problems, manager, keyManagement);
  if (listening) refuseSharedAddress(problems, listening);
  // Not those of the command line, which may replace the file's for a while.
  if (!section) return;
  refuseListenerConflicts(problems, section.listen, section.authentication);
  warnOfSharedNames(problems, section.listen, section.authentication);
}

function generalSettings(problems: ConfigProblems): Mapping {
  const value = problems.section("general_settings");
  if (!isMapping(value) && value !== undefined && value !== null) {
    problems.refuse(["general_settings"], `must be a mapping${foundText(value)}`);
  }
  const general = asMapping(value);
  refuseMisplacedKeys(problems, ["general_settings"], Object.keys(general));
  return general;
}

interface BrokerContext {
  readonly general: Mapping;
  readonly directory: string;
  /** Whether the section may stand there under a misspelt name. */
  readonly hasLookalikes: boolean;
}

interface BrokerReading {
  readonly section: BrokerSection | undefined;
  readonly manager: ManagerConfig | undefined;
}

/** `secret_broker.manager` wins over LiteLLM's settings, as LiteLLM may share the file and have a class of its own. */
function readBroker(problems: ConfigProblems, { general, directory, hasLookalikes }: BrokerContext): BrokerReading {
  const value = problems.section("secret_broker");
  const schema = createBrokerSchema(directory);
  const section = problems.check(schema, { path: ["secret_broker"], keys: mappingKeys(schema) }, value);
  if (hasLookalikes || mayNameManager(value)) {
    return { section, manager: section && withCompanions(problems, section, directory) };
  }
  const classPath = asMapping(general["key_management_settings"])["custom_secret_manager"];
  const manager = chooseBySystem(problems, { system: general["key_management_system"], classPath, directory });
  const { encryption, python, cache } = section ?? {};
  return { section, manager: withCompanions(problems, { manager, encryption, python, cache }, directory) };
}

type Companions = Pick<BrokerSection, "manager" | "encryption" | "python"> & {
  readonly cache?: BrokerSection["cache"] | undefined;
};

/** A manager with what is said of it in sections of their own: where a store's key is, and what runs a class in Python. */
function withCompanions(
  problems: ConfigProblems,
  { manager, ...companions }: Companions,
  directory: string,
): ManagerConfig | undefined {
  if (manager === undefined) return undefined;
  refuseUnusedBy(problems, manager, companions);
  const { encryption = defaultEncryption(directory), python, cache } = companions;
  switch (manager.kind) {
    case "sqlite":
    case "postgres":
      return { ...manager, encryption };
    case "module":
      return python ? { ...manager, python } : manager;
    case "upstream":
      if (cache?.snapshot === undefined) return manager;
      return { ...manager, snapshot: { path: cache.snapshot.path, encryption } };
    default:
      return manager;
  }
}

function refuseUnusedBy(
  problems: ConfigProblems,
  { kind }: Pick<ManagerConfig, "kind">,
  { encryption, python, cache }: Omit<Companions, "manager">,
): void {
  const hasSnapshot = cache?.snapshot !== undefined;
  const isSealed = kind === "sqlite" || kind === "postgres" || (kind === "upstream" && hasSnapshot);
  refuseUnused(problems, kind, {
    encryption: !isSealed && encryption !== undefined,
    python: kind !== "module" && python !== undefined,
  });
  if (kind === "upstream" || !hasSnapshot) return;
  problems.refuse(["secret_broker", "cache", "snapshot"], `is not used by a manager of kind "${kind}"; remove it`);
}

/** Refuses what is said of a manager of another kind. @param unused section → whether it says something that the manager does not use */
function refuseUnused(problems: ConfigProblems, kind: string, unused: Readonly<Record<string, boolean>>): void {
  for (const [section, isUnused] of Object.entries(unused)) {
    if (isUnused) problems.refuse(["secret_broker", section], `is not used by a manager of kind "${kind}"; remove it`);
  }
}

/** Whether a section, right or wrong, says which manager is meant. */
function mayNameManager(section: unknown): boolean {
  if (!isMapping(section)) return section !== undefined && section !== null;
  const isNamed = section["manager"] !== undefined && section["manager"] !== null;
  return isNamed || Object.keys(section).some((key) => suggest(key, ["manager"]) !== undefined);
}

function warnOfOpenEnvironment(
  problems: ConfigProblems,
  manager: ManagerConfig,
  { hostedKeys }: KeyManagementSettings,
): void {
  if (manager.kind !== "environment" || manager.prefix !== "" || hostedKeys !== undefined) return;
  const isOwn = asMapping(problems.section("secret_broker"))["manager"] !== undefined;
  problems.warn(
    isOwn ? ["secret_broker", "manager"] : ["general_settings", "key_management_system"],
    "lets every environment variable of the broker's process be read; set key_management_settings.hosted_keys to the names that are meant",
  );
}

function refuseSharedAddress(
  problems: ConfigProblems,
  { listen, adminListen: admin, isAdminOverridden }: Listening,
): void {
  if (admin === undefined || !listen.some((address) => isSameAddress(address, admin))) return;
  const message = "is also an address for gRPC; choose another one, or off";
  if (isAdminOverridden) problems.refuseOption("--admin-listen", message);
  else problems.refuse(["secret_broker", "admin", "listen"], message);
}

/** Whether some word about who may do what, or who somebody is, ends the time when everyone may do everything. */
function isDeniedByDefault({ policy_files, authentication, listen }: BrokerSection): boolean {
  const hasWorkloads = listen.some((address) => "workload" in address);
  return policy_files !== undefined || authentication !== undefined || hasWorkloads;
}

type OwnSettings = Omit<Config, "file" | "manager" | "keyManagement" | "listen" | "adminListen">;

function ownSettings(section: BrokerSection): OwnSettings {
  return {
    audit: section.audit,
    logLevel: section.log.level,
    limits: section.limits,
    timeouts: section.timeouts,
    cache: section.cache,
    breaker: section.breaker,
    metricsSecretNames: section.metrics.secret_names,
    freezesPath: section.freezes.path,
    policies: section.policies ?? (isDeniedByDefault(section) ? [] : undefined),
    authentication: section.authentication,
    policyFiles: section.policy_files ?? [],
    principals: section.principals ?? [],
  };
}
