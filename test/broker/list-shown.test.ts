import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ListParts, listShown } from "../../src/broker/list-shown.js";
import type { ListReply } from "../../src/contract/secret-manager.js";

type Page = Parameters<ListParts["ask"]>[0];

/** A manager's pages over names, whose tokens are the last name of a page; may have fewer on a page than asked for. */
class Listed {
  readonly names: string[];
  asked = 0;
  /** Is told before each answer. */
  onAsk: (turn: number) => void = () => undefined;
  readonly #atMost: number;

  constructor(names: readonly string[], atMost = 1_000) {
    this.names = [...names];
    this.#atMost = atMost;
  }

  readonly ask = ({ pageSize, pageToken = "" }: Page): Promise<ListReply> => {
    this.onAsk((this.asked += 1));
    expect(pageSize).toBeGreaterThan(0);
    expect(pageSize).toBeLessThanOrEqual(1_000);
    const rest = this.names.filter((name) => name > pageToken).sort();
    const size = Math.min(pageSize, this.#atMost);
    const secrets = rest.slice(0, size).map((name) => ({ name }));
    return Promise.resolve({ secrets, nextPageToken: rest.length > size ? secrets.at(-1)?.name : undefined });
  };
}

interface ShownPage {
  readonly names: readonly string[];
  readonly token: string | undefined;
}

async function pageOf(listed: Listed, isShown: (name: string) => boolean, page: Page): Promise<ShownPage> {
  const parts = { ask: listed.ask, isShown: ({ name }: { readonly name: string }) => isShown(name) };
  const { secrets, nextPageToken } = await listShown(page, parts);
  return { names: secrets.map(({ name }) => name), token: nextPageToken };
}

async function allPages(listed: Listed, isShown: (name: string) => boolean, pageSize: number): Promise<ShownPage[]> {
  const pages: ShownPage[] = [];
  let token: string | undefined;
  do {
    const page = await pageOf(listed, isShown, token === undefined ? { pageSize } : { pageSize, pageToken: token });
    pages.push(page);
    token = page.token;
  } while (token !== undefined);
  return pages;
}

const nameArbitrary = fc.string({ unit: fc.constantFrom("a", "b", "c", "d"), minLength: 1, maxLength: 4 });

describe("a page of what is shown", () => {
  it("is the same, with its token, as if there were nothing else", async () => {
    const property = fc.asyncProperty(
      fc.uniqueArray(nameArbitrary, { maxLength: 60 }),
      fc.func(fc.boolean()),
      fc.record({ pageSize: fc.integer({ min: 1, max: 8 }), atMost: fc.integer({ min: 1, max: 8 }) }),
      async (names, isShown, { pageSize, atMost }) => {
        const shown = names.filter((name) => isShown(name));
        const withHidden = await allPages(new Listed(names, atMost), isShown, pageSize);
        expect(withHidden).toEqual(await allPages(new Listed(shown), () => true, pageSize));
      },
    );
    await fc.assert(property, { numRuns: 1_000 });
  });

  it("costs one look more than the page where nothing is hidden", async () => {
    const listed = new Listed(Array.from({ length: 500 }, (_, index) => `n${String(index).padStart(3, "0")}`));
    await pageOf(listed, () => true, { pageSize: 100 });
    expect(listed.asked).toBe(2);
    listed.asked = 0;
    await pageOf(listed, () => true, { pageSize: 100, pageToken: "n399" });
    expect(listed.asked).toBe(1);
  });

  it("never ends at a name that is hidden, whatever is written and deleted meanwhile", async () => {
    const isShown = (name: string): boolean => !name.includes("d");
    const property = fc.asyncProperty(
      fc.uniqueArray(nameArbitrary, { minLength: 10, maxLength: 40 }),
      fc.array(fc.tuple(fc.boolean(), nameArbitrary), { minLength: 12, maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      async (names, changes, pageSize) => {
        const listed = new Listed(names);
        listed.onAsk = (turn): void => {
          const [isWritten, name] = changes[turn] ?? [true, "a"];
          const at = listed.names.indexOf(name);
          if (isWritten && at < 0) listed.names.push(name);
          if (!isWritten && at >= 0) listed.names.splice(at, 1);
        };
        const page = await pageOf(listed, isShown, { pageSize }).catch((error: unknown) => {
          expect(error).toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
        });
        expect((page?.names ?? []).every(isShown)).toBe(true);
        // Not beyond the last that is shown either: what comes after it would be left out.
        const last = page?.names.at(-1) ?? "";
        if (page?.token !== undefined) expect([isShown(page.token), page.token <= last]).toEqual([true, true]);
      },
    );
    await fc.assert(property, { numRuns: 1_000 });
  });

  it("gives up where names are written before it without end", async () => {
    const listed = new Listed(["0", "a", "b", "c"]);
    listed.onAsk = (turn): void => {
      if (turn > 2) listed.names.push(`0${String(turn)}`);
    };
    const work = pageOf(listed, (name) => name === "a" || name === "c", { pageSize: 1 });
    await expect(work).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    listed.onAsk = (): void => undefined;
    expect(await pageOf(listed, (name) => name === "a" || name === "c", { pageSize: 1 })).toEqual({
      names: ["a"],
      token: "a",
    });
  });
});
