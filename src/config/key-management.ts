import type { KeyManagementSettings } from "./config.js";
import type { ConfigProblems } from "./config-problems.js";
import {
  foreignKeyManagementKeys,
  keyManagementKeys,
  keyManagementSchema,
  type KeyManagementSection,
} from "./key-management-schema.js";
import { asMapping, isMapping, type Mapping } from "./mapping.js";
import { suggest, suggestion } from "./suggest.js";

const settingsPath = ["general_settings", "key_management_settings"];

/** Reads `general_settings.key_management_settings`; undefined, and noted, when something in it is wrong. */
export function readKeyManagement(problems: ConfigProblems, value: unknown): KeyManagementSettings | undefined {
  const given = asMapping(value);
  for (const key of Object.keys(given)) checkKey(problems, key);
  const section = problems.check(keyManagementSchema, { path: settingsPath, keys: new Map() }, value);
  checkVirtualKeys(problems, given);
  checkTags(problems, given["tags"]);
  warnOfHostedKeys(problems, given["hosted_keys"]);
  return section && namedSettings(section);
}

/** LiteLLM drops keys it does not know; one that was meant to narrow access must not vanish. */
function checkKey(problems: ConfigProblems, key: string): void {
  if (keyManagementKeys.includes(key)) return;
  if (foreignKeyManagementKeys.includes(key)) {
    problems.warnKey(settingsPath, key, "belongs to another of LiteLLM's managers and is not used here");
  } else if (suggest(key, keyManagementKeys) !== undefined) {
    problems.refuseKey(settingsPath, key, `is unknown${suggestion(key, keyManagementKeys)}`);
  } else {
    problems.warnKey(settingsPath, key, "is unknown and not used");
  }
}

function checkVirtualKeys(problems: ConfigProblems, given: Mapping): void {
  const isReadOnly = (given["access_mode"] ?? "read_only") === "read_only";
  if (given["store_virtual_keys"] !== true || !isReadOnly) return;
  problems.refuse(
    [...settingsPath, "store_virtual_keys"],
    'must not be true with access_mode "read_only", which refuses every write; set access_mode to "write_only" or "read_and_write", or store_virtual_keys to false',
  );
}

/** The schema's own reading drops this one key. */
function checkTags(problems: ConfigProblems, tags: unknown): void {
  if (isMapping(tags) && Object.hasOwn(tags, "__proto__")) {
    problems.refuseKey([...settingsPath, "tags"], "__proto__", "cannot be the key of a tag; choose another");
  }
}

function warnOfHostedKeys(problems: ConfigProblems, keys: unknown): void {
  if (!Array.isArray(keys)) return;
  const path = [...settingsPath, "hosted_keys"];
  if (keys.length === 0) problems.warn(path, "is empty, so the manager is asked for no name but stored virtual keys");
  const seen = new Set<unknown>();
  for (const [index, key] of keys.entries()) {
    if (seen.has(key)) problems.warn([...path, index], "stands there before; remove it");
    seen.add(key);
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
