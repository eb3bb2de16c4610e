import type { LawDefinition } from "../law.js";
import { assertReads } from "./law-assertions.js";

/** Names that are allowed and have broken stores before. */
export const difficultNames: readonly string[] = [
  "OPENAI_API_KEY",
  "a",
  "a".repeat(512),
  "\u20ac".repeat(512),
  `${"a/".repeat(255)}aa`,
  "litellm/prod/my-key",
  "team/user@example.com",
  "foo: bar",
  "foo?x=1&y=2#z",
  "release-1.0..2",
  "..foo",
  "foo..",
  ".",
  "...",
  "__proto__",
  "constructor",
  "hasOwnProperty",
  "100%",
  "%2e%2e",
  "a%2Fb",
  "back\\slash",
  "c:\\windows",
  "'; drop table secrets; --",
  '"quoted"',
  "$(id)",
  "{{name}}",
  "* ? [a-z]",
  " leading and trailing ",
  "nul.txt",
  "-rf",
  "\u{1f511}/\u{10ffff}",
  "\u5bc6\u94a5",
  "\u202eright to left",
  "null",
  "0",
];

/** Names that some store could take for each other. */
const similarNames: readonly string[] = [
  "Similar",
  "similar",
  "SIMILAR",
  "similar ",
  " similar",
  "simil\u00e4r",
  "simila\u0308r",
  "\uff53imilar",
  "similar/a",
  "similar/a/b",
  "similar.a",
  "similar_a",
  "similar-a",
  "similar%2Fa",
  "similar%a",
  "similara",
];

/** Every allowed name is a name, and no two are one. */
export const nameLaws: readonly LawDefinition[] = [
  ...difficultNames.map((name): LawDefinition => ({
    name: `keeps a secret called ${labelOf(name)}`,
    async check(probe) {
      await assertReads(probe, name, undefined);
      await probe.store(name, `value of ${name}`);
      await assertReads(probe, name, `value of ${name}`);
    },
  })),
  {
    name: "keeps all difficult names apart",
    async check(probe) {
      for (const name of difficultNames) await probe.store(name, `value of ${name}`);
      for (const name of difficultNames) await assertReads(probe, name, `value of ${name}`);
    },
  },
  {
    name: "keeps apart names that differ in case, form, spaces or separators",
    async check(probe) {
      for (const name of similarNames) {
        await assertReads(probe, name, undefined);
        await probe.store(name, `value of ${name}`);
      }
      for (const name of similarNames) await assertReads(probe, name, `value of ${name}`);
    },
  },
  {
    name: "deletes one of several similar names and no other",
    needs: ["write", "delete"],
    async check(probe) {
      for (const name of similarNames) await probe.write(name, `value of ${name}`);
      await probe.delete("similar");
      await probe.delete("similar/a");
      for (const name of similarNames) {
        const isDeleted = name === "similar" || name === "similar/a";
        await assertReads(probe, name, isDeleted ? undefined : `value of ${name}`);
      }
    },
  },
];

function labelOf(name: string): string {
  return name.length <= 40 ? JSON.stringify(name) : `${JSON.stringify(name.slice(0, 8))}… of 512 characters`;
}
