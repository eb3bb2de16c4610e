import { setImmediate as nextTurn } from "node:timers/promises";
import type { ListQuery, ListReply } from "../contract/secret-manager.js";
import type { SecretDescription } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";

/** Which of the manager's entries are wanted. */
export type PageRequest = Pick<ListQuery, "pageSize" | "pageToken">;

/** What a listing is made of. */
export interface ListParts {
  /** Asks the manager for a page of what it has. */
  readonly ask: (page: PageRequest) => Promise<ListReply>;
  /** Whether the caller may see an entry. */
  readonly isShown: (entry: SecretDescription) => boolean;
}

/** Where in the manager's listing an entry stands. */
interface Place {
  readonly entry: SecretDescription;
  /** The token of the manager's page that has it. */
  readonly start: string | undefined;
  /** How many entries that page has up to and with it. */
  readonly count: number;
  /** The manager's token for what comes after it; undefined where that has to be asked for. */
  readonly next: string | undefined;
}

/** The most a manager is asked for at once. */
const maxPageSize = 1_000;

/** How often an entry is looked for that others are written before meanwhile. */
const maxLooks = 5;

/**
 * A page of the entries a caller may see, full unless it is the last, with a token only where more of them come. Whether
 * there are others, and what they are called, shows in neither: the manager's pages are put together until there are
 * enough, and the token is that of a page which ends with an entry that is shown.
 * @throws SecretError as the manager fails; `MANAGER_REPLY_INVALID` where it gets no further
 */
export async function listShown(page: PageRequest, parts: ListParts): Promise<ListReply> {
  const shown = new ShownEntries(page.pageSize, parts.isShown);
  let { pageSize, pageToken } = page;
  for (;;) {
    const reply = await parts.ask(asked(pageSize, pageToken));
    const hasMore = shown.take(reply, pageToken);
    if (hasMore) return { secrets: shown.entries, nextPageToken: shown.last && (await tokenAfter(shown.last, parts)) };
    if (reply.nextPageToken === undefined) return { secrets: shown.entries };
    if (reply.nextPageToken === pageToken) throw stuck();
    // Where the page is full, a look at the next entry nearly always tells that there is more.
    pageSize = shown.last?.next === reply.nextPageToken && shown.isFull ? 1 : maxPageSize;
    pageToken = reply.nextPageToken;
    // A long way through what is hidden must not hold up other calls.
    await nextTurn();
  }
}

/** What is shown of the manager's pages, as many as were asked for. */
class ShownEntries {
  readonly entries: SecretDescription[] = [];
  /** Where the last of them stands. */
  last: Place | undefined;
  readonly #size: number;
  readonly #isShown: ListParts["isShown"];

  constructor(size: number, isShown: ListParts["isShown"]) {
    this.#size = size;
    this.#isShown = isShown;
  }

  get isFull(): boolean {
    return this.entries.length === this.#size;
  }

  /** Takes the next page of the manager; returns whether it has one more than there is room for. */
  take({ secrets, nextPageToken }: ListReply, start: string | undefined): boolean {
    for (const [index, entry] of secrets.entries()) {
      if (!this.#isShown(entry)) continue;
      if (this.isFull) return true;
      this.entries.push(entry);
      const count = index + 1;
      this.last = { entry, start, count, next: count === secrets.length ? nextPageToken : undefined };
    }
    return false;
  }
}

/** The manager's token for what comes after an entry. */
async function tokenAfter(place: Place, { ask, isShown }: ListParts): Promise<string | undefined> {
  if (place.next !== undefined) return place.next;
  const { entry, start } = place;
  let { count } = place;
  for (let looks = 0; looks < maxLooks; looks += 1) {
    const { secrets, nextPageToken } = await ask(asked(count, start));
    const end = secrets.at(-1);
    if (end === undefined || (isShown(end) && !isAfter(end, entry))) return nextPageToken;
    // Something before it was written or deleted meanwhile.
    const all = await ask(asked(maxPageSize, start));
    count = all.secrets.findLastIndex((each) => isShown(each) && !isAfter(each, entry)) + 1;
    if (count === 0) break;
  }
  const message = "the names change faster than they can be listed; list them again";
  throw new SecretError("MANAGER_UNAVAILABLE", message);
}

function asked(pageSize: number, pageToken: string | undefined): PageRequest {
  return pageToken === undefined ? { pageSize } : { pageSize, pageToken };
}

/** In the order of a listing. */
function isAfter(a: SecretDescription, b: SecretDescription): boolean {
  return a.name === b.name ? (a.uid ?? "") > (b.uid ?? "") : a.name > b.name;
}

function stuck(): SecretError {
  return new SecretError("MANAGER_REPLY_INVALID", "the manager gave the same nextPageToken twice");
}
