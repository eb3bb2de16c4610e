import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createReferenceResolver,
  openSecretStore,
  SecretBrokerClient,
  SecretError,
} from "../../../src/client/index.js";
import { startBroker, type TestBroker } from "../../../src/testkit/start-broker.js";

const config = `
general_settings:
  key_management_settings: { access_mode: read_and_write, hosted_keys: [A, GONE, EMPTY, BYTES, FLAG, FROZEN] }
secret_broker:
  manager: { kind: memory }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
`;

let broker: TestBroker;
let client: SecretBrokerClient;

beforeAll(async () => {
  broker = await startBroker({ config });
  client = new SecretBrokerClient(broker.address);
  const payloads = { A: "a1", EMPTY: "", BYTES: Uint8Array.of(0, 255), FLAG: " True ", FROZEN: "f" };
  for (const [name, payload] of Object.entries(payloads)) await client.writeSecret({ name, payload });
  await client.administration.freezeSecret({ name: "FROZEN", cause: "leaked" });
});
afterAll(async () => {
  client.close();
  await broker.stop();
});

const environment = { A: "own A", GONE: "own GONE", FOREIGN: "own FOREIGN", FROZEN: "own FROZEN", EMPTY: "own EMPTY" };

describe("a reference", () => {
  it.each([
    ["os.environ/A", "a1"],
    ["A", "a1"],
    ["os.environ/EMPTY", ""],
    ["os.environ/FLAG", " True "],
    ["os.environ/BYTES", Uint8Array.of(0, 255)],
    ["os.environ/GONE", "own GONE"],
    ["os.environ/FOREIGN", "own FOREIGN"],
  ])("%s is the broker's value exactly, or the caller's own where the broker has none", async (reference, value) => {
    expect(await createReferenceResolver({ source: client, environment }).resolve(reference)).toEqual(value);
    const store = await openSecretStore({ client });
    expect(await createReferenceResolver({ source: store, environment }).resolve(reference)).toEqual(value);
    store.close();
  });

  it("that the broker may not answer is a failure, unless the caller wants its own value then", async () => {
    const strict = createReferenceResolver({ source: client, environment });
    await expect(strict.resolve("os.environ/FROZEN")).rejects.toMatchObject({ reason: "POLICY_DENIED" });
    const lax = createReferenceResolver({ source: client, environment, failurePolicy: "environment" });
    expect(await lax.resolve("os.environ/FROZEN")).toBe("own FROZEN");
    const alone = createReferenceResolver({ source: client, failurePolicy: "environment" });
    await expect(alone.resolve("os.environ/FROZEN")).rejects.toMatchObject({ reason: "POLICY_DENIED" });
  });

  it("is a failure, not the caller's own value, while the broker is away", async () => {
    const away = new SecretBrokerClient("unix:/nonexistent", { retry: { attempts: 1 } });
    const strict = createReferenceResolver({ source: away, environment });
    await expect(strict.resolve("os.environ/A")).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    const lax = createReferenceResolver({ source: away, environment, failurePolicy: "environment" });
    expect(await lax.resolve("os.environ/A")).toBe("own A");
    away.close();
  });

  it("that nobody has says who was asked", async () => {
    const { resolve } = bind(createReferenceResolver({ source: client, environment: {} }));
    await expect(resolve("os.environ/FOREIGN")).rejects.toThrow(
      'the broker does not have "FOREIGN", and nor does the environment',
    );
    await expect(bind(createReferenceResolver({ source: client })).resolve("GONE")).rejects.toThrow(
      'and no environment was given (pass "environment")',
    );
    await expect(bind(createReferenceResolver({ environment })).resolve("toString")).rejects.toMatchObject({
      reason: "SECRET_NOT_FOUND",
    });
  });

  it("to an OIDC token is refused with an explanation, unless it is allowed", async () => {
    const refusing = createReferenceResolver({ source: client, environment });
    await expect(refusing.resolve("oidc/github/aud")).rejects.toMatchObject({
      reason: "CAPABILITY_UNSUPPORTED",
      message: expect.stringContaining('give the option "oidc" to allow that') as string,
    });
    const allowing = createReferenceResolver({ source: client, oidc: (reference) => `token of ${reference}` });
    expect(await allowing.resolve("oidc/github/aud")).toBe("token of oidc/github/aud");
  });

  it("to an OIDC token whose function fails fails like a credential, alone and in a configuration", async () => {
    const cause = new Error("the provider said no");
    const failing = createReferenceResolver({ source: client, oidc: () => Promise.reject(cause) });
    const failure = { reason: "CREDENTIAL_MISSING", message: "the function given as oidc failed", cause };
    await expect(failing.resolve("oidc/github/aud")).rejects.toMatchObject(failure);
    await expect(failing.resolveConfig({ a: "oidc/github/aud" })).rejects.toMatchObject({ cause: failure });
    const throwing = createReferenceResolver({
      source: client,
      oidc: () => {
        throw new SecretError("RATE_LIMITED", "later");
      },
    });
    await expect(throwing.resolve("oidc/github/aud")).rejects.toMatchObject({ reason: "RATE_LIMITED" });
  });
});

describe("a configuration", () => {
  it("is copied with every reference resolved, and nothing else changed", async () => {
    const when = new Date(0);
    const given = {
      model_list: [{ api_key: "os.environ/A", rpm: 5, tags: ["os.environ/FOREIGN", "plain", "x os.environ/A"] }],
      nested: { on: true, none: null, when },
    };
    const before = structuredClone(given);
    const resolver = createReferenceResolver({ source: client, environment });
    expect(await resolver.resolveConfig(given)).toEqual({
      model_list: [{ api_key: "a1", rpm: 5, tags: ["own FOREIGN", "plain", "x os.environ/A"] }],
      nested: { on: true, none: null, when },
    });
    expect(given).toEqual(before);
  });

  it("with references that cannot be resolved names all of them, and where they stand", async () => {
    const given = { a: ["os.environ/FROZEN"], b: { c: "os.environ/NOBODY", d: "oidc/file/x" }, e: "os.environ/A" };
    await expect(createReferenceResolver({ source: client }).resolveConfig(given)).rejects.toMatchObject({
      reason: "POLICY_DENIED",
      message:
        '3 references could not be resolved: a[0]: "os.environ/FROZEN" (POLICY_DENIED); ' +
        'b.c: "os.environ/NOBODY" (SECRET_NOT_FOUND); b.d: "oidc/file/x" (CAPABILITY_UNSUPPORTED)',
    });
  });

  it("that contains itself is refused", async () => {
    const given: { self?: unknown } = {};
    given.self = given;
    await expect(createReferenceResolver({}).resolveConfig(given)).rejects.toThrow("self must not contain itself");
  });
});

describe('with coerce: "litellm"', () => {
  it("values are what LiteLLM makes of them", async () => {
    const lenient = createReferenceResolver({ source: client, environment: { FOREIGN: "true" }, coerce: "litellm" });
    expect(await lenient.resolve("os.environ/FLAG")).toBe(true);
    expect(await lenient.resolve("os.environ/FOREIGN")).toBe("true");
    expect(await lenient.resolve("os.environ/os.environ/A")).toBe("a1");
    const local = createReferenceResolver({ environment: { FOREIGN: " TRUE", A: "(True)" }, coerce: "litellm" });
    expect(await local.resolve("os.environ/FOREIGN")).toBe(true);
    expect(await local.resolve("os.environ/A")).toBe("(True)");
  });
});

function bind(resolver: ReturnType<typeof createReferenceResolver>): { resolve: (text: string) => Promise<unknown> } {
  return { resolve: (text) => resolver.resolve(text) };
}
