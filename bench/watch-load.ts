import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { SecretBrokerService } from "#built/gen/secretbroker/v1/secret_broker.js";
import { WatchSecretsRequest } from "#built/gen/secretbroker/v1/watch.js";

/** How many streams go over one connection; a broker takes a thousand unless told otherwise. */
const streamsAConnection = 500;

const headers = {
  ":method": "POST",
  ":path": SecretBrokerService.watchSecrets.path,
  "content-type": "application/grpc",
  te: "trailers",
};

/** What a message on the wire begins with: a flag for compression and four bytes of length. */
const frameHeaderBytes = 5;

/** The first byte of a message, which is the tag of its event. */
const eventTags = { change: 0x12, syncMarker: 0x22 } as const;

/** What is waited for on every stream. */
interface Wait {
  readonly tag: number;
  left: number;
  readonly timesMs: number[];
  readonly resolve: (timesMs: readonly number[]) => void;
}

/**
 * Many watches of one name. On node:http2 alone, and of each message only its tag is looked at: through grpc-js thousands
 * of streams would cost the bench more than they cost the server, and the times would be the bench's own.
 */
export class WatchLoad {
  readonly #address: string;
  readonly #request: Buffer;
  readonly #sessions: ClientHttp2Session[] = [];
  #streams = 0;
  #wait: Wait | undefined;
  #failure: Error | undefined;

  constructor(address: string, name: string) {
    this.#address = address;
    this.#request = subscriptionOf(name);
  }

  /** Opens so many more streams; resolves once each is in step. */
  async open(count: number): Promise<void> {
    const inStep = this.#waitFor(eventTags.syncMarker, count);
    for (let opened = 0; opened < count; opened += 1) this.#openOne();
    await inStep;
  }

  /** Resolves to when each stream was told of the next change, in the order they were. */
  nextChange(): Promise<readonly number[]> {
    return this.#waitFor(eventTags.change, this.#streams);
  }

  /** Ends the connections, and the streams with them. */
  close(): void {
    for (const session of this.#sessions) session.destroy();
  }

  #waitFor(tag: number, count: number): Promise<readonly number[]> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { promise, resolve } = Promise.withResolvers<readonly number[]>();
    this.#wait = { tag, left: count, timesMs: [], resolve };
    return promise;
  }

  #openOne(): void {
    if (this.#streams % streamsAConnection === 0) this.#sessions.push(connect(`http://${this.#address}`));
    this.#streams += 1;
    const stream = this.#sessions.at(-1)?.request(headers, { endStream: false });
    if (stream === undefined) return;
    stream.write(this.#request);
    this.#listen(stream);
  }

  #listen(stream: ClientHttp2Stream): void {
    let rest: Buffer | undefined;
    stream.on("data", (chunk: Buffer) => {
      rest = this.#take(rest === undefined ? chunk : Buffer.concat([rest, chunk]));
    });
    stream.on("error", (error) => {
      this.#failure ??= error;
    });
  }

  /** Looks at whole messages; returns what is left of one that is not. */
  #take(bytes: Buffer): Buffer | undefined {
    let at = 0;
    while (bytes.length >= at + frameHeaderBytes) {
      const end = at + frameHeaderBytes + bytes.readUInt32BE(at + 1);
      if (bytes.length < end) break;
      this.#note(bytes[at + frameHeaderBytes]);
      at = end;
    }
    return at === bytes.length ? undefined : bytes.subarray(at);
  }

  #note(tag: number | undefined): void {
    const wait = this.#wait;
    if (wait === undefined || wait.tag !== tag) return;
    wait.timesMs.push(performance.now());
    wait.left -= 1;
    if (wait.left > 0) return;
    this.#wait = undefined;
    wait.resolve(wait.timesMs);
  }
}

function subscriptionOf(name: string): Buffer {
  const subscribe = {
    names: [name],
    prefixes: [],
    knownVersions: new Map<string, number>(),
    knownUids: new Map<string, string>(),
    resumeRevision: 0n,
  };
  const message = WatchSecretsRequest.encode({ action: { $case: "subscribe", value: subscribe } }).finish();
  const framed = Buffer.alloc(frameHeaderBytes + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, frameHeaderBytes);
  return framed;
}
