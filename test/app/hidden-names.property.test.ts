import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isSecretError, SecretBrokerClient } from "../../src/client/index.js";
import { createAccessToken, hashOfToken } from "../../src/identity/access-token.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";

const token = { filler: createAccessToken(), low: createAccessToken() };

const config = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: sqlite, path: secrets.db }
  admin: { listen: "off" }
  log: { level: error }
  audit: { sink: file, path: audit.jsonl }
  cache: { ttl: 1h, negative_ttl: 1m }
  authentication: { tokens: { file: tokens.yaml } }
  policies:
    - { name: filler, principals: [filler], actions: ["*"], names: ["**"] }
    - { name: low, principals: [low], actions: ["*"], names: ["team/**"] }
    - { name: only-read, principals: [low], actions: [read, list], names: ["seen/*"] }
    - { name: closed, effect: deny, principals: [low], actions: ["*"], names: ["team/closed/**"] }
`;
const tokens = `tokens:
  - { principal: filler, hash: "${hashOfToken(token.filler)}" }
  - { principal: low, hash: "${hashOfToken(token.low)}" }
`;

const shown = ["team/a", "team/b", "team/c", "seen/d"];
/** There in one of the two worlds only. */
const hidden = ["a", "pay/KEY", "seen", "seen/d/e", "team/closed/a", "team/closed/b/c", "team0", "z"];

/** One broker whose store has so many names, and a caller of few rights. */
class World {
  readonly low: SecretBrokerClient;
  readonly #broker: TestBroker;

  private constructor(broker: TestBroker) {
    this.#broker = broker;
    this.low = new SecretBrokerClient(broker.address, { token: token.low, retry: { attempts: 1 } });
  }

  static async with(names: readonly string[]): Promise<World> {
    const broker = await startBroker({ config, files: { "tokens.yaml": tokens } });
    const filler = new SecretBrokerClient(broker.address, { token: token.filler });
    for (const name of names) {
      await filler.writeSecret({ name, payload: `{"user":"${name}"}`, tags: { team: name.slice(0, 1) } });
      await filler.writeSecret({ name, payload: "second" });
    }
    filler.close();
    return new World(broker);
  }

  async stop(): Promise<void> {
    this.low.close();
    await this.#broker.stop();
  }
}

/** What a caller does, and what it is told. */
type Deed = (low: SecretBrokerClient) => Promise<unknown>;

const anyName = fc.constantFrom(...shown, ...hidden, "team/new", "pay/none", "team/closed/none");
const version = fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined });
const payload = fc.constantFrom("value", '{"user":"u"}');

const deedArbitrary: fc.Arbitrary<Deed> = fc.oneof(
  fc
    .record({
      name: anyName,
      version,
      knownVersion: version,
      field: fc.constantFrom(undefined, "user", "none"),
      maxStalenessMs: fc.constantFrom(undefined, 0),
    })
    .map(
      (request): Deed =>
        (low) =>
          low.readSecret(request),
    ),
  fc
    .record({
      reads: fc.array(fc.record({ name: anyName, version }), { minLength: 1, maxLength: 4 }),
      atomic: fc.boolean(),
    })
    .map(
      (request): Deed =>
        (low) =>
          low.batchReadSecrets(request),
    ),
  anyName.map(
    (name): Deed =>
      (low) =>
        low.describeSecret({ name }),
  ),
  fc.record({ name: anyName, payload, expectedVersion: version }).map(
    (request): Deed =>
      (low) =>
        low.writeSecret(request),
  ),
  fc.record({ name: anyName, version: fc.integer({ min: 1, max: 4 }) }).map(
    (request): Deed =>
      (low) =>
        low.activateSecretVersion(request),
  ),
  fc.record({ name: anyName, recoveryWindowInDays: fc.constantFrom(0, 7), mustExist: fc.boolean() }).map(
    (request): Deed =>
      (low) =>
        low.deleteSecret(request),
  ),
  anyName.map(
    (name): Deed =>
      (low) =>
        low.restoreSecret({ name }),
  ),
  fc.record({ name: anyName, version: fc.integer({ min: 1, max: 4 }) }).map(
    (request): Deed =>
      (low) =>
        low.destroySecret(request),
  ),
  fc.record({ name: anyName, newName: fc.option(anyName, { nil: undefined }), payload }).map(
    (request): Deed =>
      (low) =>
        low.rotateSecret(request),
  ),
  fc
    .record({
      prefix: fc.constantFrom("", "team/", "team/c", "pay/", "seen", "z"),
      tags: fc.constantFrom({}, { team: "t" }, { team: "p" }),
      pageSize: fc.integer({ min: 1, max: 4 }),
      showDeleted: fc.boolean(),
    })
    .map(
      (request): Deed =>
        (low) =>
          allPages(low, request),
    ),
  fc.record({ prefixes: fc.constantFrom([""], ["team/"], ["pay/"]), names: fc.array(anyName, { maxLength: 2 }) }).map(
    (subscription): Deed =>
      (low) =>
        initialSet(low, subscription),
  ),
);

async function allPages(low: SecretBrokerClient, request: object): Promise<unknown> {
  const pages: unknown[] = [];
  let pageToken: string | undefined = "";
  do {
    const page: Awaited<ReturnType<SecretBrokerClient["listSecrets"]>> = await low.listSecrets({
      ...request,
      pageToken,
    });
    pages.push(page.secrets);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined && pageToken !== "");
  return pages;
}

async function initialSet(
  low: SecretBrokerClient,
  subscription: { readonly prefixes: readonly string[]; readonly names: readonly string[] },
): Promise<unknown> {
  const watch = low.watchSecrets();
  watch.subscribe(subscription);
  const told: unknown[] = [];
  for await (const event of watch) {
    if (event.kind === "heartbeat") continue;
    if (event.kind === "synced") break;
    told.push(event);
  }
  watch.close();
  return told;
}

/** What a caller is told, without what differs from one world to the other by chance. */
async function toldOf(deed: Deed, { low }: World): Promise<string> {
  try {
    return comparable(await deed(low));
  } catch (error) {
    if (!isSecretError(error)) throw error;
    const { reason, message, metadata, violations } = error;
    return comparable({ reason, message, metadata, violations });
  }
}

const byChance = /^(?:uid|requestId|request_id|revision|ageMs|servedFrom|.*Time|.*(?:U|_u)ntil)$/u;

function comparable(value: unknown): string {
  return JSON.stringify(value, (key, member: unknown) => {
    if (byChance.test(key)) return undefined;
    if (isSecretError(member)) return { reason: member.reason, message: member.message, metadata: member.metadata };
    return typeof member === "bigint" ? String(member) : member;
  });
}

describe("a caller of few rights", () => {
  let worlds: readonly [World, World];

  beforeAll(async () => {
    worlds = await Promise.all([World.with([...shown, ...hidden]), World.with(shown)]);
  });

  afterAll(async () => {
    await Promise.all(worlds.map((world) => world.stop()));
  });

  it("is told the same, whatever it does, whether there is anything else or not", { timeout: 120_000 }, async () => {
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(deedArbitrary, async (deed) => {
        const [full, few] = await Promise.all(worlds.map((world) => toldOf(deed, world)));
        expect(full).toBe(few);
        outcomes.add(/"reason":"(\w+)"/u.exec(full ?? "")?.[1] ?? "ok");
      }),
      // Both worlds go on as they were left, so a failure is that of its whole run.
      { numRuns: 1_500, endOnFailure: true },
    );
    expect([...outcomes]).toEqual(
      expect.arrayContaining(["ok", "POLICY_DENIED", "SECRET_NOT_FOUND", "VERSION_MISMATCH"]),
    );
  });
});
