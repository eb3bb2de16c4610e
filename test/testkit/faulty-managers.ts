import type {
  DeleteOptions,
  DeleteReply,
  DescribeReply,
  ListQuery,
  ListReply,
  ReadReply,
  SecretManager,
  WriteOptions,
  WriteReply,
} from "../../src/contract/secret-manager.js";
import type { ManagerCall } from "../../src/contract/manager-call.js";
import type { Payload } from "../../src/domain/payload.js";
import { MemorySecretManager } from "../../src/managers/memory/memory-secret-manager.js";

/** A manager with one thing wrong, and a law that must notice. */
export interface Fault {
  readonly fault: string;
  readonly law: string;
  readonly open: () => SecretManager;
}

type Read = (name: string) => ReadReply | undefined;
type Write = (value: Payload, options: WriteOptions) => WriteReply;
type Delete = () => DeleteReply;

/** A manager whose reads are tampered with. */
function reading(tamper: (read: Read, name: string) => ReadReply | undefined): () => SecretManager {
  return () =>
    new (class extends MemorySecretManager {
      override readSecret(name: string): ReadReply | undefined {
        return tamper((asked) => super.readSecret(asked), name);
      }
    })();
}

/** A manager whose writes are tampered with. */
function writing(tamper: (write: Write, value: Payload, options: WriteOptions) => WriteReply): () => SecretManager {
  return () =>
    new (class extends MemorySecretManager {
      // eslint-disable-next-line max-params -- the contract's
      override writeSecret(name: string, value: Payload, options: WriteOptions, call: ManagerCall): WriteReply {
        return tamper((...asked) => super.writeSecret(name, ...asked, call), value, options);
      }
    })();
}

/** A manager whose lists are tampered with. */
function listing(tamper: (list: (query: ListQuery) => ListReply, query: ListQuery) => ListReply): () => SecretManager {
  return () =>
    new (class extends MemorySecretManager {
      override listSecrets(query: ListQuery): ListReply {
        return tamper((asked) => super.listSecrets(asked), query);
      }
    })();
}

/** A manager whose deletions are tampered with. */
function deleting(
  tamper: (manager: MemorySecretManager, name: string, drop: Delete) => DeleteReply,
): () => SecretManager {
  return () =>
    new (class extends MemorySecretManager {
      override deleteSecret(name: string, options: DeleteOptions, call: ManagerCall): DeleteReply {
        return tamper(this, name, () => super.deleteSecret(name, options, call));
      }
    })();
}

function mapText(reply: ReadReply | undefined, change: (text: string) => string): ReadReply | undefined {
  return typeof reply?.value === "string" ? { ...reply, value: change(reply.value) } : reply;
}

/** Managers with one thing wrong each. */
export const faults: readonly Fault[] = [
  {
    fault: "reads an empty text as absent",
    law: "reads an empty text as a value",
    open: reading((read, name) => (read(name)?.value === "" ? undefined : read(name))),
  },
  {
    fault: "reads an absent secret as an empty text",
    law: "reads an absent secret as undefined",
    open: reading((read, name) => read(name) ?? { value: "" }),
  },
  {
    fault: "trims",
    law: "reads a number with spaces around it as it was written",
    open: reading((read, name) => mapText(read(name), (text) => text.trim())),
  },
  {
    fault: "decodes away a byte order mark",
    law: "reads a text after a byte order mark as it was written",
    open: reading((read, name) => mapText(read(name), (text) => new TextDecoder().decode(Buffer.from(text)))),
  },
  {
    fault: "normalises text",
    law: "reads combining characters, not normalised as it was written",
    open: reading((read, name) => mapText(read(name), (text) => text.normalize("NFC"))),
  },
  {
    fault: "turns bytes into text where it can",
    law: "reads bytes that could be text as they were written",
    open: writing((write, value, options) => {
      const text = Buffer.from(value);
      return write(text.every((byte) => byte >= 32 && byte < 127) ? text.toString() : value, options);
    }),
  },
  {
    fault: "hands out the same bytes twice",
    law: "keeps its bytes when the reader overwrites what it got",
    open: () => {
      const replies = new Map<string, ReadReply | undefined>();
      return reading((read, name) => replies.get(name) ?? replies.set(name, read(name)).get(name))();
    },
  },
  {
    fault: "folds the case of names",
    law: "keeps apart names that differ in case, form, spaces or separators",
    open: () =>
      new (class extends MemorySecretManager {
        override readSecret(name: string): ReadReply | undefined {
          return super.readSecret(name.toLowerCase());
        }
        // eslint-disable-next-line max-params -- the contract's
        override writeSecret(name: string, value: Payload, options: WriteOptions, call: ManagerCall): WriteReply {
          return super.writeSecret(name.toLowerCase(), value, options, call);
        }
      })(),
  },
  {
    fault: "writes to the options it is given",
    law: "replaces a value by writing over it",
    open: writing((write, value, options) => write(value, Object.assign(options, { description: "" }))),
  },
  {
    fault: "ignores expected versions",
    law: "lets one of eight concurrent creations win",
    open: writing((write, value, options) => write(value, { ...options, expectedVersion: undefined })),
  },
  {
    fault: "ignores request ids",
    law: "answers a repeated write as the first time and writes once",
    open: writing((write, value, options) => write(value, { ...options, requestId: undefined })),
  },
  {
    fault: "ignores expiry",
    law: "reads a version that expires later, and says when",
    open: writing((write, value, options) => write(value, { ...options, expireTime: undefined })),
  },
  {
    fault: "drops tags it is not given",
    law: "keeps description and tags when a write does not name them",
    open: writing((write, value, options) => write(value, { ...options, tags: options.tags ?? {} })),
  },
  {
    fault: "activates what should only be staged",
    law: "writes a version without activating it",
    open: writing((write, value, options) => write(value, { ...options, activate: true })),
  },
  {
    fault: "quotes the value in what it throws",
    law: "puts no value into anything it throws",
    open: writing((write, value, options) => {
      if (options.expectedVersion === 0) throw new Error(`cannot write ${JSON.stringify(value)}`);
      return write(value, options);
    }),
  },
  {
    fault: "throws when an absent secret is deleted",
    law: "answers the deletion of an absent secret with not_found, as often as it is asked",
    open: deleting((manager, name, drop) => {
      if (manager.readSecret(name) === undefined) throw new Error("not found");
      return drop();
    }),
  },
  {
    fault: "claims to have deleted what was not there",
    law: "answers a second deletion with not_found",
    open: deleting((_manager, _name, drop) => {
      drop();
      return { status: "deleted" };
    }),
  },
  {
    fault: "loses a secret that is rotated under its own name",
    law: "keeps the secret when it is rotated under its own name",
    open: () =>
      new (class extends MemorySecretManager {
        override rotateSecret(...asked: Parameters<MemorySecretManager["rotateSecret"]>): WriteReply {
          const [current, next, value, , call] = asked;
          const reply = this.writeSecret(next, value, {}, call);
          this.deleteSecret(current, { recoveryWindowInDays: 7 }, call);
          return reply;
        }
      })(),
  },
  {
    fault: "lists in the order of a locale",
    law: "lists names in the order of their UTF-16 code units",
    open: listing((list, query) => {
      const reply = list(query);
      return { ...reply, secrets: reply.secrets.toSorted((a, b) => a.name.localeCompare(b.name)) };
    }),
  },
  {
    fault: "lists larger pages than asked for",
    law: "lists every difficult name once, whatever the size of the page",
    open: listing((list, query) => list({ ...query, pageSize: query.pageSize + 1 })),
  },
  {
    fault: "pages by an offset",
    law: "shows what stays exactly once when others come and go between pages",
    open: listing((list, query) => {
      const { secrets } = list({ ...query, pageSize: 1_000, pageToken: undefined });
      const end = Number(query.pageToken ?? 0) + query.pageSize;
      const page = secrets.slice(end - query.pageSize, end);
      return { secrets: page, nextPageToken: end < secrets.length ? String(end) : undefined };
    }),
  },
  {
    fault: "ignores the tags of a query",
    law: "lists nothing for a tag that no secret carries",
    open: listing((list, query) => list({ ...query, tags: {} })),
  },
  {
    fault: "describes with the payload",
    law: "describes a secret under its own name and without its payload",
    open: () =>
      new (class extends MemorySecretManager {
        override describeSecret(name: string): DescribeReply | undefined {
          const described = super.describeSecret(name);
          return described && { ...described, ...this.readSecret(name) };
        }
      })(),
  },
  {
    fault: "reads as absent once it is closed",
    law: "throws from every member when it is closed, and calls nothing absent",
    open: () =>
      new (class extends MemorySecretManager {
        #closed = false;
        override readSecret(name: string): ReadReply | undefined {
          return this.#closed ? undefined : super.readSecret(name);
        }
        override close(): void {
          this.#closed = true;
          super.close();
        }
      })(),
  },
  {
    fault: "is unhealthy from the start",
    law: "is healthy and finds its environment right after it was opened",
    open: () =>
      new (class extends MemorySecretManager {
        override checkHealth(): boolean {
          return false;
        }
      })(),
  },
];
