import { once } from "node:events";
import { type ClientDuplexStream, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { ErrorInfo } from "../../src/gen/google/rpc/error_details.js";
import { Status } from "../../src/gen/google/rpc/status.js";
import type { Secret } from "../../src/gen/secretbroker/v1/secret.js";
import { SecretBrokerClient } from "../../src/gen/secretbroker/v1/secret_broker.js";
import type { WatchSecretsRequest, WatchSecretsResponse, WatchSubscribe } from "../../src/gen/secretbroker/v1/watch.js";

/** What a watcher was told, in short. */
export type Told = string;

/** A watcher that speaks the wire's language, and keeps what it is told. */
export class Watcher {
  readonly told: WatchSecretsResponse[] = [];
  readonly #client: SecretBrokerClient;
  readonly #stream: ClientDuplexStream<WatchSecretsRequest, WatchSecretsResponse>;
  readonly #ended: Promise<ServiceError>;
  #seen = 0;

  constructor(address: string, metadata: Metadata = new Metadata()) {
    this.#client = new SecretBrokerClient(address, credentials.createInsecure());
    this.#stream = this.#client.watchSecrets(metadata);
    this.#stream.on("data", (message: WatchSecretsResponse) => {
      this.told.push(message);
    });
    this.#ended = once(this.#stream, "error").then(([error]) => error as ServiceError);
  }

  subscribe(subscription: Partial<WatchSubscribe>): this {
    const nothing = { names: [], prefixes: [], knownVersions: new Map(), knownUids: new Map(), resumeRevision: 0n };
    return this.say({ $case: "subscribe", value: { ...nothing, ...subscription } });
  }

  say(action: WatchSecretsRequest["action"]): this {
    this.#stream.write({ action });
    return this;
  }

  /** Closes its own side only. */
  halfClose(): this {
    this.#stream.end();
    return this;
  }

  /** Reads no further until told to. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** What it was told since it was last asked, up to the first that matches; heartbeats only when they are looked for. */
  async until(isLast: (told: Told) => boolean): Promise<Told[]> {
    const found: Told[] = [];
    const deadline = performance.now() + 10_000;
    for (;;) {
      for (; this.#seen < this.told.length;) {
        const message = this.told[this.#seen];
        this.#seen += 1;
        const told = shortOf(message);
        if (!told.startsWith("heartbeat") || isLast(told)) found.push(told);
        if (isLast(told)) return found;
      }
      if (performance.now() > deadline) throw new Error(`was told only ${JSON.stringify(found)}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** What it was told up to the next sync marker. */
  async untilSynced(): Promise<Told[]> {
    return await this.until((told) => told.startsWith("synced"));
  }

  /** What it was told last of a secret's text; undefined when it is gone. */
  textOf(name: string): string | undefined {
    return this.told.flatMap(({ event }) => textsIn(event, name)).at(-1);
  }

  /** The last revision it could resume from. */
  get revision(): bigint {
    const revisions = this.told.map(({ event }) =>
      event?.$case === "syncMarker" || event?.$case === "heartbeat" ? event.value.revision : 0n,
    );
    return revisions.findLast((revision) => revision > 0n) ?? 0n;
  }

  /** How the stream ended: `STATUS REASON`. */
  async end(): Promise<string> {
    const error = await this.#ended;
    const [details] = error.metadata.get("grpc-status-details-bin");
    const infos = details instanceof Buffer ? Status.decode(details).details : [];
    const info = infos.find(({ typeUrl }) => typeUrl.endsWith("ErrorInfo"));
    return `${String(error.code)} ${info === undefined ? "" : ErrorInfo.decode(info.value).reason}`.trim();
  }

  /** Goes away. */
  async leave(): Promise<void> {
    this.#stream.cancel();
    await this.#ended;
    this.#client.close();
  }
}

function shortOf(message: WatchSecretsResponse | undefined): Told {
  const event = message?.event;
  switch (event?.$case) {
    case "initialSet":
      return `initial ${event.value.secrets.map(textOf).toSorted().join(" ")}`;
    case "change":
      return `change ${event.value.secret === undefined ? "" : textOf(event.value.secret)}`;
    case "removal":
      return `removal ${event.value.name}`;
    case "syncMarker":
      return "synced";
    case "heartbeat":
      return "heartbeat";
    case undefined:
      return "nothing";
  }
}

function textsIn(event: WatchSecretsResponse["event"], name: string): (string | undefined)[] {
  if (event?.$case === "removal") return event.value.name === name ? [undefined] : [];
  const changed = event?.$case === "change" ? [event.value.secret] : [];
  const secrets = event?.$case === "initialSet" ? event.value.secrets : changed;
  return secrets.flatMap((secret) =>
    secret?.name === name && secret.payload?.$case === "text" ? [secret.payload.value] : [],
  );
}

function textOf({ name, version, payload }: Secret): string {
  const value = payload?.$case === "text" ? payload.value : "";
  return `${name}@${String(version)}=${value}`;
}
