import { describe, expect, it } from "vitest";
import { noHash, parseLink, signedPrefix, signedSuffix, type SignedLink } from "../../src/audit/chain-link.js";

const link: SignedLink = {
  ...{ kind: "start", chain: "0".repeat(36), link: 7, time: "2030-01-01T00:00:00.000Z", previous: noHash, torn: 0 },
  ...{ isAfterLoss: false, hash: "1".repeat(64), key: "2".repeat(16), signature: `${"a".repeat(85)}A` },
};

const lineOf = (changes: Partial<SignedLink>): string => {
  const changed = { ...link, ...changes };
  return `${signedPrefix(changed)}${signedSuffix(changed)}`;
};

describe("the line of a signed link", () => {
  it.each([{}, { torn: 5 }, { isAfterLoss: true }, { torn: 5, isAfterLoss: true }, { kind: "checkpoint" }] as const)(
    "is read as it was written: %j",
    (changes) => {
      expect(parseLink(lineOf(changes))).toEqual({ ...link, ...changes });
    },
  );

  it("says nothing of a loss where there is none", () => {
    expect(lineOf({})).not.toContain("lost");
  });

  it.each([
    ["a checkpoint after a loss", lineOf({ kind: "checkpoint", isAfterLoss: true })],
    ["no loss", lineOf({ isAfterLoss: true }).replace('"lost":true', '"lost":false')],
    ["a loss as a text", lineOf({ isAfterLoss: true }).replace('"lost":true', '"lost":"true"')],
    ["a loss told twice", lineOf({ isAfterLoss: true }).replace('"lost":true', '"lost":true,"lost":true')],
    ["a loss before the torn bytes", lineOf({ torn: 5 }).replace('"torn":5', '"lost":true,"torn":5')],
    ["a loss behind the number", lineOf({}).replace('"link":7', '"link":7,"lost":true')],
  ])("is none that says %s otherwise than the broker", (_what, line) => {
    expect(parseLink(line)).toBeUndefined();
  });
});
