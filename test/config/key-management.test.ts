import { describe, expect, it } from "vitest";
import { configOf, load, placesOf, problemsOf, warningsOf, withMemory } from "./config-text.js";

/** One setting of the seed's table, alone, at 5:5. */
const setting = (text: string): string => withMemory(`general_settings:\n  key_management_settings:\n    ${text}\n`);
const path = "general_settings.key_management_settings";
const only = (text: string): string => problemsOf(setting(text))[0]?.message ?? "";

describe("access_mode", () => {
  it.each([
    ["read_only", "read_only"],
    ['"write_only"', "write_only"],
    ["read_and_write", "read_and_write"],
    ["", "read_only"],
    ["~", "read_only"],
  ])("%s is %s", (given, expected) => {
    expect(configOf(setting(`access_mode: ${given}`)).keyManagement.accessMode).toBe(expected);
  });

  it.each(["readonly", "READ_ONLY", "7", "[read_only]", '""'])("%s is refused with the modes there are", (given) => {
    expect(placesOf(setting(`access_mode: ${given}`))).toEqual([`5:18 ${path}.access_mode`]);
    expect(only(`access_mode: ${given}`)).toContain('"read_only", "write_only", "read_and_write"');
  });
});

describe("hosted_keys", () => {
  it("are the names in their order", () => {
    expect(configOf(setting("hosted_keys: [B, a/b, 'foo: bar', ..x]")).keyManagement.hostedKeys).toEqual([
      "B",
      "a/b",
      "foo: bar",
      "..x",
    ]);
  });

  it("without a value are all names", () => {
    expect(configOf(setting("hosted_keys:")).keyManagement.hostedKeys).toBeUndefined();
  });

  it("that are an empty list are none, with a warning", () => {
    expect(configOf(setting("hosted_keys: []")).keyManagement.hostedKeys).toEqual([]);
    expect(warningsOf(setting("hosted_keys: []"))).toEqual([`5:18 ${path}.hosted_keys`]);
  });

  it.each(["''", "/a", "a/", "a//b", "../b", "a/..", '"a\\nb"', '"\\u2028"', '"\\u0080"', "x".repeat(513)])(
    "with the unsafe name %s are refused at that name",
    (name) => {
      expect(placesOf(setting(`hosted_keys: [OK, ${name}]`))).toEqual([`5:23 ${path}.hosted_keys[1]`]);
      expect(only(`hosted_keys: [OK, ${name}]`)).toContain("name of a secret");
    },
  );

  it.each(["7", "true", "~", "[A]", "{ a: b }"])("with %s, which is no string, are refused at that place", (name) => {
    expect(placesOf(setting(`hosted_keys: [OK, ${name}]`))).toEqual([`5:23 ${path}.hosted_keys[1]`]);
  });

  it("are no list: refused", () => {
    expect(placesOf(setting("hosted_keys: OPENAI_API_KEY"))).toEqual([`5:18 ${path}.hosted_keys`]);
    expect(only("hosted_keys: OPENAI_API_KEY")).toContain("must be a list");
  });

  it("that stand more than once work, with a warning at each repetition", () => {
    const text = setting("hosted_keys: [A, B, A, A]");
    expect(configOf(text).keyManagement.hostedKeys).toEqual(["A", "B", "A", "A"]);
    expect(warningsOf(text)).toEqual([`5:25 ${path}.hosted_keys[2]`, `5:28 ${path}.hosted_keys[3]`]);
  });

  it("take 20,000 names", () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `KEY_${String(index)}`);
    expect(configOf(setting(`hosted_keys: [${names.join(", ")}]`)).keyManagement.hostedKeys).toEqual(names);
  });
});

describe("store_virtual_keys", () => {
  it.each(["", "\n    access_mode: read_only", "\n    access_mode:"])(
    "with read_only (%j) is refused with both fixes",
    (mode) => {
      expect(placesOf(setting(`store_virtual_keys: true${mode}`))).toEqual([`5:25 ${path}.store_virtual_keys`]);
      const message = only(`store_virtual_keys: true${mode}`);
      expect(message).toContain('"write_only" or "read_and_write"');
      expect(message).toContain("store_virtual_keys to false");
    },
  );

  it.each(["write_only", "read_and_write"])("with %s is on", (mode) => {
    const text = setting(`store_virtual_keys: true\n    access_mode: ${mode}`);
    expect(configOf(text).keyManagement.storeVirtualKeys).toBe(true);
  });

  it.each(['"true"', "yes", "1", "[true]"])("%s is neither true nor false", (given) => {
    expect(placesOf(setting(`store_virtual_keys: ${given}`))).toEqual([`5:25 ${path}.store_virtual_keys`]);
    expect(only(`store_virtual_keys: ${given}`)).toContain("must be true or false");
  });
});

describe("prefix_for_stored_virtual_keys", () => {
  it.each(["litellm/", "litellm", "a/b", "team keys/", "..a"])("%s is kept as it is written", (prefix) => {
    const { keyManagement } = configOf(setting(`prefix_for_stored_virtual_keys: ${prefix}`));
    expect(keyManagement.virtualKeyPrefix).toBe(prefix);
  });

  it.each(["''", "/", "/a", "a//", "../", "a/../b", '"a\\u0000"', "x".repeat(600)])(
    "%s would make unsafe names, so it is refused",
    (prefix) => {
      expect(placesOf(setting(`prefix_for_stored_virtual_keys: ${prefix}`))).toEqual([
        `5:37 ${path}.prefix_for_stored_virtual_keys`,
      ]);
    },
  );
});

describe("description and tags", () => {
  it("are kept as they are written", () => {
    const text = setting("description: 'a: b # c'\n    tags: { Stage: live, 'k: 1': '', __proto: x }");
    const { description, tags } = configOf(text).keyManagement;
    expect(description).toBe("a: b # c");
    expect(tags).toEqual({ Stage: "live", "k: 1": "", __proto: "x" });
  });

  it("are at most as long as is said", () => {
    expect(placesOf(setting(`description: ${"d".repeat(2_048)}`))).toEqual([]);
    expect(placesOf(setting(`description: ${"d".repeat(2_049)}`))).toEqual([`5:18 ${path}.description`]);
    expect(placesOf(setting(`tags: { ${"k".repeat(128)}: ${"v".repeat(256)} }`))).toEqual([]);
    expect(placesOf(setting(`tags: { k: ${"v".repeat(257)} }`))).toEqual([`5:16 ${path}.tags.k`]);
    expect(problemsOf(setting(`tags: { ${"k".repeat(129)}: v }`))).toMatchObject([{ line: 5, column: 13 }]);
    expect(problemsOf(setting("tags: { '': v }"))).toMatchObject([{ line: 5, column: 13 }]);
  });

  it("are at most 64 tags", () => {
    const tags = (count: number): string =>
      setting(`tags: { ${Array.from({ length: count }, (_, index) => `k${String(index)}: v`).join(", ")} }`);
    expect(placesOf(tags(64))).toEqual([]);
    expect(placesOf(tags(65))).toEqual([`5:11 ${path}.tags`]);
    expect(problemsOf(tags(65))[0]?.message).toContain("64");
  });

  it.each(["7", "true", "[a]", "{ a: b }"])("have strings as values, not %s", (value) => {
    expect(placesOf(setting(`tags: { Team: ${value} }`))).toEqual([`5:19 ${path}.tags.Team`]);
    expect(placesOf(setting(`description: ${value}`))).toEqual([`5:18 ${path}.description`]);
  });

  it("are no list of tags", () => {
    expect(only("tags: [a, b]")).toContain("must be a mapping");
  });

  it("cannot be named after what an object already has", () => {
    expect(problemsOf(setting("tags: { __proto__: v }"))).toMatchObject([{ line: 5, column: 13 }]);
    expect(configOf(setting("tags: { constructor: v }")).keyManagement.tags).toEqual({ constructor: "v" });
  });
});

describe("other keys of key_management_settings", () => {
  it.each([
    ["acces_mode", "access_mode"],
    ["accessMode", "access_mode"],
    ["access-mode", "access_mode"],
    ["hosted_key", "hosted_keys"],
    ["hostedKeys", "hosted_keys"],
    ["HOSTED_KEYS", "hosted_keys"],
    ["store_virtual_key", "store_virtual_keys"],
    ["prefix_for_stored_virtual_key", "prefix_for_stored_virtual_keys"],
    ["custom_secret_manger", "custom_secret_manager"],
    ["descripton", "description"],
    ["tag", "tags"],
  ])("%s is refused, as %s was meant", (key, meant) => {
    expect(placesOf(setting(`${key}: x`))).toEqual([`5:5 ${path}.${key}`]);
    expect(only(`${key}: x`)).toContain(`did you mean "${meant}"?`);
  });

  it.each([
    "primary_secret_name",
    "aws_region_name",
    "aws_role_name",
    "aws_session_name",
    "aws_external_id",
    "aws_profile_name",
    "aws_web_identity_token",
    "aws_sts_endpoint",
    "replica_regions",
    "kms_key_id",
    "something_new",
  ])("%s is let through with a warning", (key) => {
    expect(warningsOf(setting(`${key}: x`))).toEqual([`5:5 ${path}.${key}`]);
  });

  it("are warned of in the order of the file", () => {
    const { warnings } = load(setting("hosted_keys: [A, A]\n    kms_key_id: x\n    other: y"));
    expect(warnings.map(({ line }) => line)).toEqual([5, 6, 7]);
  });
});

describe("key_management_settings as a whole", () => {
  it.each(["7", "x", "[a]", "true"])("%s is no mapping", (value) => {
    const text = withMemory(`general_settings:\n  key_management_settings: ${value}\n`);
    expect(placesOf(text)).toEqual([`4:28 ${path}`]);
    expect(problemsOf(text)[0]?.message).toContain("must be a mapping");
  });

  it("counts with what a merge key brings", () => {
    const text = withMemory(
      "base: &base { hosted_keys: [A], access_mode: write_only }\ngeneral_settings:\n  key_management_settings:\n    <<: *base\n    access_mode: read_and_write\n",
    );
    expect(configOf(text).keyManagement).toMatchObject({ hostedKeys: ["A"], accessMode: "read_and_write" });
  });
});
