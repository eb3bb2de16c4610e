import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ListRequest } from "../../src/broker/broker.js";
import { unwrapPageToken, wrapPageToken } from "../../src/broker/page-token.js";
import type { ListQuery, ListReply, SecretManager } from "../../src/contract/secret-manager.js";
import { MemorySecretManager } from "../../src/managers/memory/memory-secret-manager.js";
import { liveCall, nameOf, openBroker, type OpenedBroker, shortCall } from "./open-broker.js";

const all: ListRequest = { prefix: "", tags: {}, showDeleted: false, pageSize: 2, pageToken: "" };
const wrongToken = {
  reason: "FIELD_INVALID",
  violations: [{ field: "page_token", description: expect.any(String) as string }],
};

function listing(listSecrets: (query: ListQuery) => unknown): SecretManager {
  return { readSecret: () => undefined, listSecrets: listSecrets as (query: ListQuery) => ListReply };
}

async function openFilled(names: readonly string[]): Promise<OpenedBroker> {
  const opened = openBroker(new MemorySecretManager());
  for (const name of names) await opened.broker.writeSecret(liveCall(), { name: nameOf(name), payload: "v" });
  return opened;
}

describe("a page token", () => {
  it("leads through every page, and is empty on the last", async () => {
    const names = ["a", "b", "c", "d", "e"];
    const { broker } = await openFilled(names);
    const seen: string[] = [];
    let pageToken: string | undefined = "";
    do {
      const page: ListReply = await broker.listSecrets(liveCall(), { ...all, pageToken });
      seen.push(...page.secrets.map(({ name }) => name));
      pageToken = page.nextPageToken ?? "";
    } while (pageToken !== "");
    expect(seen).toEqual(names);
  });

  it("may be used with another page size, and survives writes in between", async () => {
    const { broker } = await openFilled(["a", "b", "c", "d"]);
    const { nextPageToken = "" } = await broker.listSecrets(liveCall(), all);
    await broker.deleteSecret(liveCall(), { name: nameOf("b"), recoveryWindowInDays: 7 });
    await broker.writeSecret(liveCall(), { name: nameOf("b2"), payload: "v" });
    const { secrets } = await broker.listSecrets(liveCall(), { ...all, pageSize: 100, pageToken: nextPageToken });
    expect(secrets.map(({ name }) => name)).toEqual(["b2", "c", "d"]);
  });

  it.each<[string, Partial<ListRequest>]>([
    ["another prefix", { prefix: "a" }],
    ["other tags", { tags: { a: "1" } }],
    ["deleted ones too", { showDeleted: true }],
  ])("is refused with %s, and the manager is not asked", async (_label, changes) => {
    let asked = 0;
    const { broker } = openBroker(
      listing(({ pageSize }) => {
        asked += 1;
        return { secrets: [{ name: "a" }, { name: "b" }].slice(0, pageSize), nextPageToken: String(asked) };
      }),
    );
    const { nextPageToken = "" } = await broker.listSecrets(liveCall(), all);
    expect(nextPageToken).not.toBe("");
    const askedBefore = asked;
    const work = broker.listSecrets(liveCall(), { ...all, ...changes, pageToken: nextPageToken });
    await expect(work).rejects.toMatchObject(wrongToken);
    expect(asked).toBe(askedBefore);
  });

  it("gives the manager's own back, whatever it is, and the order of tags does not matter", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", minLength: 1 }),
        fc.dictionary(fc.string(), fc.string()),
        (token, tags) => {
          const query = { ...all, tags };
          const reversed = { ...all, tags: Object.fromEntries(Object.entries(tags).toReversed()) };
          expect(unwrapPageToken(wrapPageToken(token, query), query)).toBe(token);
          if (Object.keys(tags).length === 2) {
            expect(unwrapPageToken(wrapPageToken(token, query), reversed)).toBe(token);
          }
        },
      ),
    );
  });

  it("is refused when it is none of ours", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String(),
          fc.json().map((json) => btoa(encodeURI(json))),
        ),
        (token) => {
          expect(() => unwrapPageToken(token, all)).toThrow("page_token must be the next_page_token of a page");
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("that was tampered with is refused, or no more than another of the manager's for the same query", () => {
    const wrapped = wrapPageToken("manager's token", all);
    for (let at = 0; at < wrapped.length; at += 1) {
      const tampered = `${wrapped.slice(0, at)}${wrapped[at] === "A" ? "B" : "A"}${wrapped.slice(at + 1)}`;
      let given: unknown = "refused";
      try {
        given = unwrapPageToken(tampered, all);
      } catch (error) {
        expect(error).toMatchObject(wrongToken);
      }
      expect(typeof given).toBe("string");
      // The mark is the first member: nothing that touches it gets through.
      if (at < 24) expect(given).toBe("refused");
    }
  });
});

describe("a listing", () => {
  it("shows no name that could not be asked for", async () => {
    const names = ["\u0007bell", "..", "/abs", "a", "a/../b", "a//b", "b", "c\u2028", "\ud800"].sort();
    const { broker } = openBroker(listing(() => ({ secrets: names.map((name) => ({ name })) })));
    const { secrets } = await broker.listSecrets(liveCall(), { ...all, pageSize: 100 });
    expect(secrets.map(({ name }) => name)).toEqual(["a", "b"]);
  });

  it("shows only what policy lets the caller list, through pages that are hidden, and says nothing of those", async () => {
    const pages: Readonly<Record<string, ListReply>> = {
      "": { secrets: [{ name: "hidden" }, { name: "hidden2" }], nextPageToken: "1" },
      "1": { secrets: [], nextPageToken: "2" },
      "2": { secrets: [{ name: "SHOWN" }], nextPageToken: "3" },
      "3": { secrets: [{ name: "hidden3" }] },
    };
    const { broker, sink } = openBroker(
      listing(({ pageToken = "" }) => pages[pageToken]),
      { access: { hostedKeys: ["SHOWN"] } },
    );
    const page = await broker.listSecrets(liveCall(), all);
    expect(page).toMatchObject({ secrets: [{ name: "SHOWN" }], nextPageToken: "" });
    expect(sink.records).toHaveLength(1);
  });

  it("has the same pages and tokens as if there were nothing hidden", async () => {
    const shown = ["a/1", "a/2", "b/1", "c/3", "d/1"];
    const hidden = ["0", "a/11", "a/3", "b/0", "b/2", "c/1", "c/2", "d/2", "e"];
    const tokensOf = async (names: readonly string[]): Promise<readonly string[]> => {
      const manager = new MemorySecretManager();
      const filled = openBroker(manager);
      for (const name of names) await filled.broker.writeSecret(liveCall(), { name: nameOf(name), payload: "v" });
      const { broker } = openBroker(manager, { access: { hostedKeys: shown } });
      const told: string[] = [];
      let pageToken: string | undefined = "";
      do {
        const page: ListReply = await broker.listSecrets(liveCall(), { ...all, pageToken });
        pageToken = page.nextPageToken ?? "";
        told.push(JSON.stringify(page.secrets.map(({ name }) => name)), pageToken);
      } while (pageToken !== "");
      return told;
    };
    const told = await tokensOf([...shown, ...hidden].toSorted());
    expect(told).toEqual(await tokensOf(shown));
    expect(told).toHaveLength(6);
  });

  it("that gets no further is no answer", async () => {
    const { broker } = openBroker(listing(() => ({ secrets: [], nextPageToken: "next" })));
    await expect(broker.listSecrets(liveCall(), all)).rejects.toMatchObject({ reason: "MANAGER_REPLY_INVALID" });
  });

  it("ends with the caller's time where it never comes to an end", async () => {
    let asked = 0;
    const { broker } = openBroker(listing(() => ({ secrets: [], nextPageToken: String((asked += 1)) })));
    await expect(broker.listSecrets(shortCall(), all)).rejects.toMatchObject({ reason: "MANAGER_TIMEOUT" });
  });

  it.each<[string, unknown]>([
    ["undefined", undefined],
    ["an array", []],
    ["no secrets", { secrets: undefined }],
    ["secrets that are no array", { secrets: { length: 1 } }],
    ["more than was asked for", { secrets: ["a", "b", "c"].map((name) => ({ name })) }],
    ["names out of order", { secrets: [{ name: "b" }, { name: "a" }] }],
    ["a name that is no text", { secrets: [{ name: 7 }] }],
    ["a name without end", { secrets: [{ name: "a".repeat(513) }] }],
    ["an entry that is null", { secrets: [null] }],
    ["a deleted secret that was not asked for", { secrets: [{ name: "a", deleteTime: new Date(0) }] }],
    ["a page token that is no text", { secrets: [], nextPageToken: 7 }],
    ["a page token without end", { secrets: [], nextPageToken: "t".repeat(2_049) }],
    ["a proxy", new Proxy({}, { get: () => () => undefined })],
  ])("that the manager answers with %s is no answer", async (_label, reply) => {
    const { broker, sink } = openBroker(listing(() => reply));
    await expect(broker.listSecrets(liveCall(), all)).rejects.toMatchObject({ reason: "MANAGER_REPLY_INVALID" });
    expect(sink.records).toEqual([expect.objectContaining({ action: "list", outcome: "MANAGER_REPLY_INVALID" })]);
  });

  it("that does not keep to the prefix or the tags is no answer", async () => {
    const { broker } = openBroker(listing(() => ({ secrets: [{ name: "b", tags: { a: "2" } }] })));
    for (const query of [{ prefix: "a" }, { tags: { a: "1" } }, { tags: { constructor: "1" } }]) {
      const work = broker.listSecrets(liveCall(), { ...all, ...query });
      await expect(work).rejects.toMatchObject({ reason: "MANAGER_REPLY_INVALID" });
    }
  });
});
