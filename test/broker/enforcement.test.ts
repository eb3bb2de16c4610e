import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ManagerCall } from "../../src/contract/manager-call.js";
import type { SecretManager } from "../../src/contract/secret-manager.js";
import { isSecretError, SecretError } from "../../src/domain/secret-error.js";
import { MemorySecretManager } from "../../src/managers/memory/memory-secret-manager.js";
import { liveCall, nameOf, openBroker, type OpenedBroker, type RecordLine, shortCall } from "./open-broker.js";

const name = nameOf("NAME");

/** Notes every call of the manager's members, and what audit had on record at that moment. */
function noting(manager: SecretManager, note: (member: string, name: unknown, call: unknown) => void): SecretManager {
  return new Proxy(manager, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== "function" || typeof key !== "string" || key === "constructor") return member;
      return (...args: unknown[]): unknown => {
        note(key, args[0], args.at(-1));
        return Reflect.apply(member, target, args);
      };
    },
  });
}

const phasesOf = (records: readonly RecordLine[]): string[] =>
  records.map(({ action, phase, decision, outcome = "" }) => `${action} ${phase} ${decision} ${outcome}`.trim());

describe("a call that policy denies", () => {
  const calls: readonly (readonly [string, (opened: OpenedBroker) => Promise<unknown>])[] = [
    ["read", ({ broker }) => broker.readSecret(liveCall(), { name })],
    ["describe", ({ broker }) => broker.describeSecret(liveCall(), { name })],
    ["write", ({ broker }) => broker.writeSecret(liveCall(), { name, payload: "v" })],
    ["delete", ({ broker }) => broker.deleteSecret(liveCall(), { name, recoveryWindowInDays: 7 })],
    ["destroy", ({ broker }) => broker.deleteSecret(liveCall(), { name, recoveryWindowInDays: 0 })],
    ["rotate", ({ broker }) => broker.rotateSecret(liveCall(), { name, newName: name, payload: "v" })],
    ["activate", ({ broker }) => broker.activateSecretVersion(liveCall(), { name, version: 1 })],
    ["restore", ({ broker }) => broker.restoreSecret(liveCall(), { name })],
    ["destroy", ({ broker }) => broker.destroySecret(liveCall(), { name, target: { version: 1 } })],
  ];

  it.each(calls)("to %s is recorded and refused, and the manager hears nothing", async (action, run) => {
    const asked: string[] = [];
    const manager = noting(new MemorySecretManager(), (member) => asked.push(member));
    const opened = openBroker(manager, { access: { hostedKeys: ["OTHER"] } });
    await expect(run(opened)).rejects.toMatchObject({ reason: "KEY_NOT_HOSTED", metadata: { action, name } });
    expect(asked).toEqual([]);
    expect(opened.sink.records).toEqual([
      expect.objectContaining({ action, name, phase: "outcome", decision: "deny", outcome: "KEY_NOT_HOSTED" }),
    ]);
  });

  it.each(calls)("to %s, and audit cannot record that, is refused for audit's sake", async (_action, run) => {
    const opened = openBroker(new MemorySecretManager(), { access: { hostedKeys: [] } });
    opened.sink.isFailing = true;
    await expect(run(opened)).rejects.toMatchObject({ reason: "AUDIT_UNAVAILABLE" });
  });

  it.each(calls)("not, to %s, while audit cannot record it, never reaches the manager", async (_action, run) => {
    const asked: string[] = [];
    const opened = openBroker(noting(new MemorySecretManager(), (member) => asked.push(member)));
    opened.sink.isFailing = true;
    await expect(opened.audit.record({ ...exampleRecord })).rejects.toMatchObject({ reason: "AUDIT_UNAVAILABLE" });
    await expect(run(opened)).rejects.toMatchObject({ reason: "AUDIT_UNAVAILABLE" });
    expect(asked).toEqual([]);
  });

  it("names the name that was denied, not another of the same call", async () => {
    const opened = openBroker(new MemorySecretManager(), { access: { hostedKeys: ["NAME"] } });
    const work = opened.broker.rotateSecret(liveCall(), { name, newName: nameOf("NEW"), payload: "v" });
    await expect(work).rejects.toMatchObject({
      message: '"NEW" is not a hosted key of this broker',
      metadata: { action: "rotate", name: "NEW" },
    });
    expect(opened.sink.records.map((record) => [record.name, record.decision])).toEqual([
      ["NAME", "deny"],
      ["NEW", "deny"],
    ]);
  });
});

const exampleRecord = {
  phase: "outcome",
  requestId: "r",
  caller: { principal: "p", groups: [], provenBy: "none", peer: "unix" },
  action: "read",
  allowed: true,
  rule: "r",
} as const;

describe("a change", () => {
  it("is on record before the manager hears of it, and again with its outcome before the answer", async () => {
    const known: string[][] = [];
    const opened: OpenedBroker = openBroker(
      noting(new MemorySecretManager(), () => known.push(phasesOf(opened.sink.records))),
    );
    await opened.broker.writeSecret(liveCall(), { name, payload: "v" });
    expect(known).toEqual([["write attempt allow"]]);
    expect(phasesOf(opened.sink.records)).toEqual(["write attempt allow", "write outcome allow ok"]);
    expect(opened.sink.records[1]).toMatchObject({ version: 1, uid: expect.any(String) as string });
  });

  it("that cannot be recorded beforehand never happens", async () => {
    const asked: string[] = [];
    const opened = openBroker(noting(new MemorySecretManager(), (member) => asked.push(member)));
    opened.sink.isFailing = true;
    const work = opened.broker.writeSecret(liveCall(), { name, payload: "v" });
    await expect(work).rejects.toMatchObject({ reason: "AUDIT_UNAVAILABLE" });
    expect(asked).toEqual([]);
  });

  it("that fails is recorded with its reason", async () => {
    const opened = openBroker(new MemorySecretManager());
    const work = opened.broker.writeSecret(liveCall(), { name, payload: "v", expectedVersion: 3 });
    await expect(work).rejects.toMatchObject({ reason: "VERSION_MISMATCH" });
    expect(phasesOf(opened.sink.records)).toEqual(["write attempt allow", "write outcome allow VERSION_MISMATCH"]);
  });
});

describe("a read", () => {
  it("is on record before its answer", async () => {
    const opened = openBroker(new MemorySecretManager());
    await opened.broker.writeSecret(liveCall(), { name, payload: "v" });
    opened.sink.text = "";
    let answered = false;
    opened.sink.onWrite = () => {
      expect(answered).toBe(false);
    };
    await opened.broker.readSecret(liveCall(), { name }).then(() => (answered = true));
    expect(phasesOf(opened.sink.records)).toEqual(["read outcome allow ok"]);
  });

  it("whose record cannot be written gets no answer", async () => {
    const opened = openBroker({ readSecret: () => ((opened.sink.isFailing = true), "v") });
    const work = opened.broker.readSecret(liveCall(), { name });
    await expect(work).rejects.toMatchObject({ reason: "AUDIT_UNAVAILABLE" });
  });

  it.each([
    ["SECRET_NOT_FOUND", () => undefined, liveCall],
    ["MANAGER_UNAVAILABLE", () => Promise.reject(new Error("down")), liveCall],
    ["MANAGER_REPLY_INVALID", () => 7, liveCall],
    ["MANAGER_TIMEOUT", () => new Promise(() => undefined), shortCall],
  ])("that fails is recorded with %s", async (reason, readSecret, call) => {
    const opened = openBroker({ readSecret } as SecretManager);
    await expect(opened.broker.readSecret(call(), { name })).rejects.toMatchObject({ reason });
    expect(phasesOf(opened.sink.records)).toEqual([`read outcome allow ${reason}`]);
  });

  it("of a version the caller has is recorded as not modified", async () => {
    const opened = openBroker(new MemorySecretManager());
    await opened.broker.writeSecret(liveCall(), { name, payload: "v" });
    const read = await opened.broker.readSecret(liveCall(), { name, knownVersion: 1 });
    expect(read.notModified).toBe(true);
    expect(opened.sink.records.at(-1)).toMatchObject({ outcome: "not_modified", version: 1 });
  });
});

describe("any sequence of calls", () => {
  type Step = (opened: OpenedBroker, requestId: string) => Promise<unknown>;
  const someName = fc.constantFrom("A", "B", "hosted/C", "OUT").map(nameOf);
  const steps: fc.Arbitrary<Step> = fc.oneof(
    someName.map(
      (read): Step =>
        ({ broker }, requestId) =>
          broker.readSecret(liveCall({ requestId }), { name: read }),
    ),
    someName.map(
      (described): Step =>
        ({ broker }, requestId) =>
          broker.describeSecret(liveCall({ requestId }), { name: described }),
    ),
    fc.tuple(someName, fc.option(fc.nat(3), { nil: undefined })).map(
      ([written, expectedVersion]): Step =>
        ({ broker }, requestId) =>
          broker.writeSecret(liveCall({ requestId }), { name: written, payload: "v", expectedVersion }),
    ),
    someName.map(
      (deleted): Step =>
        ({ broker }, requestId) =>
          broker.deleteSecret(liveCall({ requestId }), { name: deleted, recoveryWindowInDays: 7, mustExist: true }),
    ),
    fc.tuple(someName, someName).map(
      ([from, to]): Step =>
        ({ broker }, requestId) =>
          broker.rotateSecret(liveCall({ requestId }), { name: from, newName: to, payload: "w" }),
    ),
    fc.constant<Step>(({ broker }, requestId) =>
      broker.listSecrets(liveCall({ requestId }), {
        prefix: "",
        tags: {},
        showDeleted: false,
        pageSize: 10,
        pageToken: "",
      }),
    ),
  );
  const access = fc.record({
    accessMode: fc.constantFrom("read_only", "write_only", "read_and_write"),
    hostedKeys: fc.constantFrom(undefined, ["A", "B"]),
    hostedPrefix: fc.constant("hosted/"),
  });
  const changing = ["write", "delete", "rotate"];

  it("leaves one outcome for each call and name, an attempt before each change, and no question without a yes", async () => {
    await fc.assert(
      fc.asyncProperty(access, fc.array(steps, { maxLength: 12 }), async (given, sequence) => {
        const asked: string[] = [];
        const note = (member: string, _name: unknown, call: unknown): void => {
          const { requestId } = call as ManagerCall;
          asked.push(requestId);
          const isChange = ["writeSecret", "deleteSecret", "rotateSecret"].includes(member);
          const attempts = opened.sink.records.filter((r) => r.request_id === requestId && r.phase === "attempt");
          if (isChange) expect(attempts.length).toBeGreaterThan(0);
        };
        const opened: OpenedBroker = openBroker(noting(new MemorySecretManager(), note), { access: given });
        const outcomes = await Promise.all(
          sequence.map(async (step, index) => {
            try {
              await step(opened, String(index));
              return "ok";
            } catch (error) {
              return isSecretError(error) ? error.reason : "foreign";
            }
          }),
        );
        const { records } = opened.sink;
        for (const [index, expected] of outcomes.entries()) {
          const own = records.filter(({ request_id }) => request_id === String(index));
          const names = new Set(own.map((record) => record.name));
          for (const each of names) {
            const [outcome, ...more] = own.filter((r) => r.name === each && r.phase === "outcome");
            expect([outcome?.outcome, more]).toEqual([expected, []]);
            const attempts = own.filter((r) => r.name === each && r.phase === "attempt").length;
            const isAllowedChange = outcome?.decision === "allow" && changing.includes(outcome.action);
            expect(attempts).toBe(isAllowedChange ? 1 : 0);
          }
          expect(names.size).toBeGreaterThan(0);
          if (own.some(({ decision }) => decision === "deny")) expect(asked).not.toContain(String(index));
        }
        expect(outcomes).not.toContain("foreign");
      }),
      { numRuns: 300 },
    );
  });
});

describe("what the work throws that is not ours", () => {
  it("is recorded as INTERNAL_ERROR and goes on as it is", async () => {
    const { enforcement, sink } = openBroker(new MemorySecretManager());
    const bug = new TypeError("a bug");
    const access = { action: "read", names: [name], isChange: false } as const;
    const work = enforcement.perform(
      [liveCall(), access],
      () => Promise.reject(bug),
      () => ({}),
    );
    await expect(work).rejects.toBe(bug);
    expect(phasesOf(sink.records)).toEqual(["read outcome allow INTERNAL_ERROR"]);
    expect(SecretError.name).toBe("SecretError");
  });
});
