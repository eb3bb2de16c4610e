import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SecretManager } from "../../../src/contract/secret-manager.js";
import { isSecretError } from "../../../src/domain/secret-error.js";
import type { Payload, ReadSecretResponse } from "../../../src/gen/secretbroker/manager/v1/secret_manager.js";
import { toWireError } from "../../../src/rpc/encode-status.js";
import { SecretError, type SecretErrorReason, secretErrorReasons } from "../../../src/domain/secret-error.js";
import { guardedAsManager } from "../../conformance/guarded-as-manager.js";
import { openQuietly } from "../../conformance/served-manager.js";
import { DialledSource } from "../../../src/managers/remote/dialled-source.js";
import { callOf, refusalOf, type Script, serveScript } from "./scripted-manager.js";

const canary = "text-of-the-manager's-0123456789";

/** A manager whose next answer the test decides, behind the guard as in a broker. */
async function lying(): Promise<{ manager: SecretManager; next: { answer: (callback: Callback) => void } }> {
  const next = { answer: (callback: Callback): void => callback(null, {}) };
  const answer: NonNullable<Script["readSecret"]> = (_call, callback) => {
    next.answer(callback as Callback);
  };
  const rpcs = ["readSecret", "writeSecret", "deleteSecret", "listSecrets", "describeSecret"] as const;
  const more = ["batchReadSecrets", "rotateSecret", "activateSecretVersion", "restoreSecret"] as const;
  const { path } = await serveScript(Object.fromEntries([...rpcs, ...more].map((rpc) => [rpc, answer])));
  const remote = await openQuietly([new DialledSource({ kind: "unix", path }, undefined)]);
  return { manager: guardedAsManager(remote), next };
}

type Callback = (error: unknown, value?: unknown) => void;

const call = callOf();
const text = fc.oneof(fc.constantFrom("", "NAME", "OTHER", canary), fc.string({ unit: "binary" }));
const timestamp = fc.option(
  fc.record({ seconds: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), nanos: fc.integer() }),
  { nil: undefined },
);
const uint = fc.oneof(fc.constantFrom(0, 1, 2), fc.nat(0xffff_ffff));
const payload: fc.Arbitrary<Payload | undefined> = fc.option(
  fc.record({
    payload: fc.oneof(
      fc.constant(undefined),
      fc.record({ $case: fc.constant("text" as const), value: fc.string() }),
      fc.record({ $case: fc.constant("binary" as const), value: fc.uint8Array().map((bytes) => Buffer.from(bytes)) }),
    ),
  }),
  { nil: undefined },
);
const version = fc.record({
  version: uint,
  uid: text,
  active: fc.boolean(),
  createTime: timestamp,
  expireTime: timestamp,
  destroyTime: timestamp,
});
const tags = fc.array(fc.tuple(text, text), { maxLength: 4 }).map((entries) => new Map(entries));
const read = fc.record({
  name: text,
  payload,
  version: fc.option(version, { nil: undefined }),
  description: text,
  tags,
});
const described = fc.record({
  name: text,
  uid: text,
  activeVersion: uint,
  createTime: timestamp,
  updateTime: timestamp,
  expireTime: timestamp,
  description: text,
  tags,
  deleteTime: timestamp,
  restorableUntil: timestamp,
  changedBy: text,
});

/** Either an answer, or a failure that quotes nothing of the manager's. */
async function settle<T>(work: PromiseLike<T> | T): Promise<{ reply: T } | { reason: SecretErrorReason }> {
  try {
    return { reply: await work };
  } catch (thrown) {
    if (!isSecretError(thrown)) throw thrown;
    expect(JSON.stringify([thrown.message, thrown.metadata, thrown.violations])).not.toContain(canary);
    return { reason: thrown.reason };
  }
}

describe("a manager that lies", () => {
  it(
    "gets no answer of a read through that is not of the secret, or carries no value",
    { timeout: 60_000 },
    async () => {
      const { manager, next } = await lying();
      await fc.assert(
        fc.asyncProperty(read, async (response) => {
          next.answer = (callback) => callback(null, response);
          const outcome = await settle(manager.readSecret("NAME", call));
          if (!("reply" in outcome)) {
            expect(outcome.reason).toBe("MANAGER_REPLY_INVALID");
            return;
          }
          // Undefined is what has expired already.
          if (outcome.reply !== undefined) expectHonest(response);
        }),
        { numRuns: 300 },
      );
    },
  );

  it("gets no page through that is not what was asked for", { timeout: 60_000 }, async () => {
    const { manager, next } = await lying();
    const query = { prefix: "N", tags: {}, showDeleted: false, pageSize: 3, pageToken: "token" };
    const pages = fc.record({
      secrets: fc.array(described, { maxLength: 5 }),
      nextPageToken: fc.constantFrom("", "token", "t2"),
    });
    await fc.assert(
      fc.asyncProperty(pages, async (page) => {
        next.answer = (callback) => callback(null, page);
        const outcome = await settle(manager.listSecrets?.(query, call));
        if (!("reply" in outcome)) return;
        const names = outcome.reply?.secrets.map(({ name }) => name) ?? [];
        expect(names).toEqual(names.filter((name) => name.startsWith("N")).toSorted());
        expect(names.length).toBeLessThanOrEqual(3);
        expect(outcome.reply?.nextPageToken).not.toBe("token");
      }),
      { numRuns: 300 },
    );
  });

  it(
    "gets nothing through but what the contract has, whichever RPC, status and reason",
    { timeout: 60_000 },
    async () => {
      const { manager, next } = await lying();
      const codes = Object.values(status).filter(
        (code): code is status => typeof code === "number" && code !== status.OK,
      );
      const asks = [
        () => manager.readSecret("NAME", call),
        () => manager.writeSecret?.("NAME", "value", {}, call),
        () => manager.deleteSecret?.("NAME", { recoveryWindowInDays: 7 }, call),
        () => manager.listSecrets?.({ prefix: "", tags: {}, showDeleted: false, pageSize: 1 }, call),
        () => manager.describeSecret?.("NAME", call),
      ];
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...codes),
          fc.constantFrom(...secretErrorReasons),
          fc.constantFrom(...asks),
          async (code, reason, ask) => {
            const { metadata } = toWireError(
              new SecretError(reason, canary, { metadata: { version: canary } }),
              canary,
            );
            next.answer = (callback) => callback({ code, details: canary, metadata });
            const outcome = await settle(ask() as Promise<unknown>);
            if ("reply" in outcome) expect([outcome.reply, code]).toEqual([undefined, status.NOT_FOUND]);
            else expect(allowed).toContain(outcome.reason);
          },
        ),
        { numRuns: 400 },
      );
    },
  );

  it.each([
    ["writeSecret", (manager: SecretManager) => manager.writeSecret?.("NAME", "value", {}, call)],
    ["rotateSecret", (manager: SecretManager) => manager.rotateSecret?.("NAME", "NEW", "value", {}, call)],
    ["activateSecretVersion", (manager: SecretManager) => manager.activateSecretVersion?.("NAME", 1, {}, call)],
    ["restoreSecret", (manager: SecretManager) => manager.restoreSecret?.("NAME", {}, call)],
    ["describeSecret", (manager: SecretManager) => manager.describeSecret?.("NAME", call)],
  ])("and says nothing to %s is refused", async (_rpc, ask) => {
    const { manager, next } = await lying();
    next.answer = (callback) => callback(null, { versions: [] });
    expect((await refusalOf(ask(manager) as Promise<unknown>)).reason).toBe("MANAGER_REPLY_INVALID");
  });

  it("and answers with more than is taken is refused, without the answer", async () => {
    const { manager, next } = await lying();
    const value = "x".repeat(9 * 1024 * 1024);
    next.answer = (callback) =>
      callback(null, {
        name: "NAME",
        payload: { payload: { $case: "text", value } },
        version: undefined,
        tags: new Map(),
      });
    expect((await refusalOf(manager.readSecret("NAME", call) as Promise<unknown>)).reason).toBe(
      "MANAGER_REPLY_INVALID",
    );
  });
});

/** What a caller may be told of a manager. */
const allowed: readonly SecretErrorReason[] = [
  "SECRET_NOT_FOUND",
  "VERSION_NOT_FOUND",
  "SECRET_DELETED",
  "VERSION_MISMATCH",
  "SECRET_EXISTS",
  "IDEMPOTENCY_CONFLICT",
  "FIELD_INVALID",
  "PAYLOAD_CORRUPT",
  "CAPABILITY_UNSUPPORTED",
  "MANAGER_QUOTA",
  "MANAGER_TIMEOUT",
  "MANAGER_UNAVAILABLE",
];

function expectHonest(response: Pick<ReadSecretResponse, "name" | "payload" | "version">): void {
  expect(response.name).toBe("NAME");
  expect(response.payload?.payload).toBeDefined();
  expect(response.version?.version).toBeGreaterThan(0);
}
