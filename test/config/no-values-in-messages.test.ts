import { describe, expect, it } from "vitest";
import { formatProblem } from "../../src/config/config-error.js";
import { parseConfig } from "../../src/config/parse-config.js";
import { file, load, problemsOf, withMemory } from "./config-text.js";

/** Looks like a key that was pasted into the wrong place. */
const canary = "sk-Canary0123456789abcdefABCDEF";
/** One that is nothing but letters. */
const word = "correcthorsebattery";

/** Every place a value can stand, with `@` for it. */
const places = [
  "@",
  "- @",
  "general_settings: @",
  "general_settings: [@]",
  "general_settings: { key_management_system: @ }",
  "general_settings: { key_management_system: [@] }",
  "general_settings: { key_management_system: custom, key_management_settings: @ }",
  ...[
    "custom_secret_manager: a.@.b",
    "custom_secret_manager: @",
    "custom_secret_manager: [@]",
    "access_mode: @",
    "access_mode: [@]",
    "hosted_keys: @",
    "hosted_keys: [/@]",
    "hosted_keys: [{ @: @ }]",
    "hosted_keys: [A, A, '@/', '@/']",
    "store_virtual_keys: @",
    "prefix_for_stored_virtual_keys: /@",
    "prefix_for_stored_virtual_keys: [@]",
    "description: [@]",
    "tags: @",
    "tags: { a: [@] }",
  ].map((text) => `general_settings: { key_management_system: custom, key_management_settings: { ${text} } }`),
  "secret_broker: @",
  "secret_broker: [@]",
  ...[
    "manager: @",
    "manager: { kind: @ }",
    "manager: { kind: [@] }",
    "manager: { kind: module, class: @ }",
    "manager: { kind: module, class: [@] }",
    "manager: { kind: environment, prefix: [@] }",
    "listen: @",
    "listen: [@]",
    "listen: ['@:99']",
    "listen: ['127.0.0.1:@']",
    "listen: ['unix:@/@/@/@/@/@/@/@/@/@/@']",
    "listen: ['unix:']",
    "listen: ['unix:@', 'unix:@']",
    "listen: { a: @ }",
    "admin: @",
    "admin: { listen: @ }",
    "audit: { sink: @ }",
    "audit: { sink: stdout, path: @ }",
    "audit: { sink: file, path: [@] }",
    "log: { level: @ }",
    "log: @",
    "limits: { max_payload: @, max_metadata: [@], max_concurrent_streams: @, batch_concurrency: '@', max_batch_payload: @ }",
    "timeouts: { default_deadline: @, drain: [@], health_interval: { a: @ } }",
    "metrics: { secret_names: @ }",
  ].map((text) => `secret_broker: { ${text} }`),
  // A line each, as long texts are read by another reader.
  "general_settings:\n  key_management_system: @",
  "general_settings:\n  key_management_system: custom\n  key_management_settings:\n    access_mode: @",
  "secret_broker:\n  manager:\n    kind: '@'",
  "secret_broker:\n  log: @\n  listen: [@]",
  "secret_broker:\n  log: 1\n  log: @",
  "secret_broker:\n  log:\n    level: @\n   manager: @",
  // Not valid YAML.
  "a: @: b",
  "a: '@",
  'a: "@',
  'a: "\\@"',
  "a: [@",
  "a: *@",
  "a: !@ b",
  "a: !!@ b",
  "a: &@ &@ b",
  "a: {@",
  "%@\n---\na: b",
  "a: |@\n b",
  "a: @\n\tb: c",
  "a: @\n--- @\nb: @",
  "- @\nb: c",
  "a: 1\n  @: 2\n @: 3",
  "@\n@: 1",
];

/** Every place a key can stand. What is no plain word is not shown, as it could be a secret with its colon lost. */
const keyPlaces = [
  "@: 1",
  "general_settings: { @: 1 }",
  "general_settings: { key_management_settings: { @: 1 } }",
  "general_settings: { key_management_settings: { tags: { @: [1] } } }",
  "secret_broker: { @: 1 }",
  "secret_broker: { @ }",
  "secret_broker: { manager: { kind: memory, @: 1 } }",
  "secret_broker: { audit: { @: 1 } }",
  "secret_broker: { limits: { [@, 1]: 1 } }",
  "a: { @: 1, @: 2 }",
  "a: { [@]: 1 }",
];

function textsAbout(text: string): string[] {
  const errors = problemsOf(text).map(formatProblem);
  const own = problemsOf(text).flatMap(({ path, message }) => [path, message]);
  return errors.length > 0 ? [...errors, ...own] : load(text).warnings.map(formatProblem);
}

describe("no message shows", () => {
  it.each(places)("a value: %s", (template) => {
    for (const value of [canary, word, `${canary}${canary}${canary}`]) {
      const short = template.replaceAll("@", value);
      for (const whole of [short, `${short}\n# ${"-".repeat(20_000)}`]) {
        for (const text of textsAbout(whole)) expect(text).not.toContain(value);
      }
    }
  });

  it.each(keyPlaces)("a key that is no plain word: %s", (template) => {
    for (const key of [canary, "AKIA0CANARY9", "x".repeat(70), "two words", "p@ss"]) {
      const texts = textsAbout(template.replaceAll("@", JSON.stringify(key)));
      for (const text of texts) expect(text).not.toContain(key);
    }
  });

  it("an address of --listen or --admin-listen", () => {
    const listen = [canary, `${word}:1`, "127.0.0.1:1", "127.0.0.1:1"];
    const parse = (): unknown =>
      parseConfig({ text: withMemory(""), file }, { listen, adminListen: `${canary}${word}:1`, directory: "/" });
    expect(parse).toThrow(/loopback/u);
    expect(parse).toThrow(/^--admin-listen: /mu);
    expect(parse).not.toThrow(canary);
    expect(parse).not.toThrow(word);
  });
});
