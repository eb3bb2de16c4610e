import { describe, expect, it } from "vitest";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { type ReadAnswer, SecretBrokerClient } from "../../src/client/index.js";
import { decodeDescription } from "../../src/client/decode-secret.js";
import type { ManagerCall } from "../../src/contract/manager-call.js";
import type { ReadReply, SecretManager, Supports, WatchEvent } from "../../src/contract/secret-manager.js";
import type { Capability } from "../../src/domain/capability.js";
import { isSecretError } from "../../src/domain/secret-error.js";
import { SecretBrokerService } from "../../src/gen/secretbroker/v1/secret_broker.js";
import type { WatchSecretsRequest, WatchSecretsResponse } from "../../src/gen/secretbroker/v1/watch.js";
import { fromFailedCall } from "../../src/rpc/decode-status.js";
import { managerLaws } from "../../src/testkit/index.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";

type JsonOptions = Parameters<SecretBrokerClient["readSecret"]>[0]["options"];

/** What a law's call says over the wire. */
interface Asked {
  readonly options: JsonOptions;
}

/**
 * A broker of its own, seen through gRPC as the manager behind it: what holds for the manager must hold for whoever calls
 * the broker.
 */
export async function openBrokerAsManager(
  manager: string,
  capabilities: readonly Capability[],
  files: Readonly<Record<string, string>> = {},
): Promise<SecretManager> {
  const broker = await startBroker({
    files,
    config: `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: ${manager}
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  timeouts: { watch_heartbeat: 10s, drain: 1s }
`,
  });
  return new BrokerAsManager(broker, capabilities);
}

class BrokerAsManager implements SecretManager {
  readonly managerName = "broker";
  readonly supports: Supports;
  readonly #broker: TestBroker;
  readonly #client: SecretBrokerClient;
  readonly #raw: Client;
  #closing: Promise<void> | undefined;

  constructor(broker: TestBroker, capabilities: readonly Capability[]) {
    this.#broker = broker;
    this.#client = new SecretBrokerClient(broker.address);
    this.#raw = new Client(broker.address, credentials.createInsecure());
    const can = (capability: Capability): boolean => capabilities.includes(capability);
    this.supports = {
      preconditions: can("preconditions"),
      idempotency: can("idempotency"),
      expiry: can("expiry"),
      gracePeriod: can("grace_period"),
    };
    for (const [capability, [member, value]] of Object.entries(this.#members)) {
      if (can(capability as Capability)) Object.defineProperty(this, member, { value });
    }
  }

  /** What a capability shows by. */
  get #members(): Partial<Record<Capability, readonly [keyof SecretManager, unknown]>> {
    return {
      write: ["writeSecret", this.#write],
      delete: ["deleteSecret", this.#delete],
      rotate: ["rotateSecret", this.#rotate],
      list: ["listSecrets", this.#list],
      describe: ["describeSecret", this.#describe],
      versions: ["readSecretVersion", this.#readVersion],
      activate: ["activateSecretVersion", this.#activate],
      restore: ["restoreSecret", this.#restore],
      destroy: ["destroySecret", this.#destroy],
      atomic_batch: ["batchReadSecrets", this.#batch],
      watch: ["watchSecrets", this.#watch],
    };
  }

  async readSecret(name: string, call: ManagerCall): Promise<ReadReply | undefined> {
    return await unlessAbsent(async () =>
      replyOf(await this.#client.readSecret({ name, ...askedOf(call) }, callOf(call))),
    );
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    this.#client.close();
    this.#raw.close();
    await this.#broker.stop();
  }

  readonly #readVersion: SecretManager["readSecretVersion"] = async (name, version, call) =>
    await unlessAbsent(async () =>
      replyOf(await this.#client.readSecret({ name, version, ...askedOf(call) }, callOf(call))),
    );

  // eslint-disable-next-line max-params -- the contract's
  readonly #write: SecretManager["writeSecret"] = async (name, payload, { requestId, ...options }, call) => {
    const request = { name, payload, idempotencyId: requestId, ...options, ...askedOf(call) };
    return await this.#client.writeSecret(request, callOf(call));
  };

  readonly #delete: SecretManager["deleteSecret"] = async (name, { requestId, ...options }, call) =>
    await this.#client.deleteSecret({ name, idempotencyId: requestId, ...options, ...askedOf(call) }, callOf(call));

  // eslint-disable-next-line max-params -- the contract's
  readonly #rotate: SecretManager["rotateSecret"] = async (name, newName, payload, { gracePeriodMs }, call) => {
    const renamed = newName === name ? {} : { newName };
    return await this.#client.rotateSecret(
      { name, ...renamed, payload, gracePeriodMs, ...askedOf(call) },
      callOf(call),
    );
  };

  readonly #list: SecretManager["listSecrets"] = async (query, call) =>
    await this.#client.listSecrets({ ...query, ...askedOf(call) }, callOf(call));

  readonly #describe: SecretManager["describeSecret"] = async (name, call) =>
    await unlessAbsent(async () => await this.#client.describeSecret({ name, ...askedOf(call) }, callOf(call)));

  readonly #activate: SecretManager["activateSecretVersion"] = async (name, version, { expectedVersion }) => {
    const request = { name, version, expectedVersion, options: undefined };
    const { secret } = await this.#ask(SecretBrokerService.activateSecretVersion, request);
    if (secret === undefined) throw new Error("no secret was answered");
    return decodeDescription(secret);
  };

  readonly #restore: SecretManager["restoreSecret"] = async (name, { uid = "" }) => {
    const { secret } = await this.#ask(SecretBrokerService.restoreSecret, { name, uid, options: undefined });
    if (secret === undefined) throw new Error("no secret was answered");
    return decodeDescription(secret);
  };

  readonly #destroy: SecretManager["destroySecret"] = async (name, target) => {
    const chosen =
      "uid" in target
        ? ({ $case: "uid", value: target.uid } as const)
        : ({ $case: "version", value: target.version } as const);
    await this.#ask(SecretBrokerService.destroySecret, { name, target: chosen, options: undefined });
  };

  readonly #batch: SecretManager["batchReadSecrets"] = async (reads, call) => {
    if (reads.length === 0) return [];
    const asked = reads.map(({ name, version }) => ({ name, version }));
    const results = await this.#client.batchReadSecrets({ reads: asked, atomic: true }, callOf(call));
    return results.map((result) => {
      if (!("error" in result)) return { reply: replyOf(result.answer) };
      return isAbsence(result.error) ? { reply: undefined } : { error: result.error };
    });
  };

  readonly #watch: SecretManager["watchSecrets"] = (after, { signal }) => {
    const { path, requestSerialize, responseDeserialize } = SecretBrokerService.watchSecrets;
    const stream = this.#raw.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
    signal.addEventListener("abort", () => {
      stream.cancel();
    });
    stream.write(subscription(after ?? 0n));
    return eventsOf(stream, after, signal);
  };

  async #ask<Request, Response>(method: RawMethod<Request, Response>, request: Request): Promise<Response> {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const { path, requestSerialize, responseDeserialize } = method;
    const done = (error: ServiceError | null, response?: Response): void => {
      if (error === null && response !== undefined) resolve(response);
      else reject(error === null ? new Error("no answer") : fromFailedCall(error));
    };
    this.#raw.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, new Metadata(), done);
    return await promise;
  }
}

interface RawMethod<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

function subscription(resumeRevision: bigint): WatchSecretsRequest {
  const nothing = { names: [], knownVersions: new Map(), knownUids: new Map() };
  return { action: { $case: "subscribe", value: { ...nothing, prefixes: [""], resumeRevision } } };
}

async function* eventsOf(
  stream: AsyncIterable<unknown>,
  after: bigint | undefined,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  try {
    for await (const message of stream) yield* toEvents((message as WatchSecretsResponse).event, after);
  } catch (error) {
    if (!signal.aborted) throw fromFailedCall(error as ServiceError);
  }
}

/** The initial set is everything there is; whoever begins now has not asked for it. */
function toEvents(event: WatchSecretsResponse["event"], after: bigint | undefined): readonly WatchEvent[] {
  switch (event?.$case) {
    case "initialSet": {
      const secrets = after === undefined ? [] : event.value.secrets;
      return secrets.map(({ name }) => ({ kind: "changed", secret: { name }, revision: 0n }));
    }
    case "change":
      return [{ kind: "changed", secret: { name: nameOf(event.value.secret) }, revision: event.value.revision }];
    case "removal":
      return [{ kind: "removed", secret: { name: event.value.name }, revision: event.value.revision }];
    case "syncMarker":
      return [{ kind: "synced", revision: event.value.revision }];
    case "heartbeat":
    case undefined:
      return [];
  }
}

function nameOf(secret: { readonly name: string } | undefined): string {
  return secret?.name ?? "";
}

function replyOf(answer: ReadAnswer): ReadReply {
  if (!("secret" in answer)) throw new Error("nothing was known");
  const { payload: value, version, uid, createTime, expireTime, description, tags } = answer.secret;
  return { value, version, uid, createTime, expireTime, description, tags };
}

async function unlessAbsent<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

function isAbsence(error: unknown): boolean {
  return isSecretError(error) && (error.reason === "SECRET_NOT_FOUND" || error.reason === "VERSION_NOT_FOUND");
}

function askedOf({ options }: ManagerCall): Asked {
  return { options: options as JsonOptions };
}

function callOf({ signal, requestId }: ManagerCall): { signal: AbortSignal; requestId: string } {
  return { signal, requestId };
}

/** Laws that the API's own rules forbid to show: it has no tag without a key, and an empty text leaves what is there. */
const beyondTheApi: readonly string[] = [
  "keeps the description and the tags of a write",
  "clears description and tags with empty ones",
];

/** Holds a broker's manager to every law, as callers see it. */
export function describeOverGrpc(
  title: string,
  open: () => Promise<SecretManager>,
  capabilities: readonly Capability[],
): void {
  const laws = managerLaws({ open, capabilities });
  describe(`${title} over gRPC`, () => {
    it("has the laws that are left out", () => {
      expect(laws.map(({ name }) => name)).toEqual(expect.arrayContaining([...beyondTheApi]));
    });

    it.each(laws.filter(({ name }) => !beyondTheApi.includes(name)))("$name", async ({ run }) => {
      await run();
    });
  });
}
