import { describe, expect, it } from "vitest";
import type { ManagerCall } from "../../src/contract/manager-call.js";
import type { SecretManager } from "../../src/contract/secret-manager.js";
import { SecretError } from "../../src/domain/secret-error.js";
import { guard, liveCall, nameOf, shortCall } from "./open-broker.js";

const name = nameOf("NAME");

/** A manager whose every read does the same. */
function reader(readSecret: (name: string, call: ManagerCall) => unknown): SecretManager {
  return { managerName: "hanging", readSecret: readSecret as SecretManager["readSecret"] };
}

type Then = (resolve: (value: unknown) => void, reject: (thrown: unknown) => void) => void;

/** A thenable, which need not keep any promise. */
function thenable(then: Then): object {
  return { then };
}

const hanging: readonly (readonly [string, () => unknown])[] = [
  ["a promise that never settles", () => new Promise(() => undefined)],
  ["a thenable that never settles", () => thenable(() => undefined)],
  [
    "a function that is a thenable",
    () =>
      Object.assign(
        () => 1,
        thenable(() => undefined),
      ),
  ],
  [
    "a thenable that answers with one that never settles",
    () =>
      thenable((resolve) => {
        resolve(thenable(() => undefined));
      }),
  ],
  [
    "a promise whose own then never settles",
    () =>
      Object.assign(
        Promise.resolve("value"),
        thenable(() => undefined),
      ),
  ],
  ["a promise of a proxy with every member", () => Promise.resolve(new Proxy({}, { get: () => () => undefined }))],
];

describe.each(hanging)("a manager that answers with %s", (_label, reply) => {
  it("is given up at the deadline, its signal aborted", async () => {
    let signal: AbortSignal | undefined;
    const manager = reader((_name, call) => {
      ({ signal } = call);
      return reply();
    });
    await expect(guard(manager).guarded.read(shortCall(), { name })).rejects.toMatchObject({
      reason: "MANAGER_TIMEOUT",
      message: "the manager did not answer before the deadline",
    });
    expect(signal?.aborted).toBe(true);
  });

  it("is given up when the caller goes, its signal aborted", async () => {
    const call = liveCall();
    let signal: AbortSignal | undefined;
    const manager = reader((_name, managerCall) => {
      ({ signal } = managerCall);
      return reply();
    });
    const work = guard(manager).guarded.read(call, { name });
    call.cancel();
    await expect(work).rejects.toMatchObject({ reason: "CALL_CANCELLED" });
    expect(signal?.aborted).toBe(true);
    expect(signal?.reason).toMatchObject({ reason: "CALL_CANCELLED" });
  });
});

describe("a thenable", () => {
  it.each<[string, Then]>([
    [
      "that settles twice counts once",
      (resolve, reject) => {
        resolve("first");
        resolve("second");
        reject(new Error("third"));
      },
    ],
    [
      "that throws after it has settled has settled",
      (resolve) => {
        resolve("first");
        throw new Error("too late");
      },
    ],
  ])("%s", async (_label, then) => {
    const secret = await guard(reader(() => thenable(then))).guarded.read(liveCall(), { name });
    expect(secret?.payload).toBe("first");
  });

  it("that throws has failed", async () => {
    const manager = reader(() =>
      thenable(() => {
        throw new Error("no");
      }),
    );
    await expect(guard(manager).guarded.read(liveCall(), { name })).rejects.toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
    });
  });
});

describe("a late result", () => {
  it.each([
    ["value", (settle: PromiseWithResolvers<string>) => settle.resolve("late")],
    ["failure", (settle: PromiseWithResolvers<string>) => settle.reject(new Error("late"))],
  ])("is dropped when it is a %s, and disturbs nobody", async (_label, settle) => {
    const unhandled: unknown[] = [];
    const note = (thrown: unknown): void => void unhandled.push(thrown);
    process.on("unhandledRejection", note);
    const late = Promise.withResolvers<string>();
    const { guarded, lines } = guard(reader(() => late.promise));
    await expect(guarded.read(shortCall(), { name })).rejects.toMatchObject({ reason: "MANAGER_TIMEOUT" });
    settle(late);
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
    expect(lines).toEqual([]);
  });
});

describe("a call that has ended before the manager is asked", () => {
  it.each([
    ["MANAGER_TIMEOUT", () => liveCall({ deadlineMs: Date.now() - 1 })],
    [
      "CALL_CANCELLED",
      () => {
        const call = liveCall();
        call.cancel();
        return call;
      },
    ],
  ])("is refused with %s and asks nothing", async (reason, call) => {
    let asked = 0;
    const { guarded } = guard(reader(() => (asked += 1)));
    await expect(guarded.read(call(), { name })).rejects.toMatchObject({ reason });
    expect(asked).toBe(0);
  });
});

describe("a manager that knows the signal", () => {
  it("may throw its reason, which is the call's end and no failure of the manager's", async () => {
    const call = liveCall();
    const manager = reader(async (_name, { signal }) => {
      await Promise.resolve();
      signal.throwIfAborted();
    });
    const { guarded, lines } = guard(manager);
    const work = guarded.read(call, { name });
    call.cancel();
    await expect(work).rejects.toMatchObject({ reason: "CALL_CANCELLED" });
    expect(lines).toEqual([]);
  });

  it("cannot end the call by dispatching the event itself", async () => {
    const manager = reader((_name, { signal }) => {
      queueMicrotask(() => signal.dispatchEvent(new Event("abort")));
      return new Promise(() => undefined);
    });
    await expect(guard(manager).guarded.read(shortCall(), { name })).rejects.toBeInstanceOf(SecretError);
  });

  it("sees the deadline, the principal and the id of the call", async () => {
    const call = shortCall(5_000);
    let seen: unknown;
    const manager = reader((_name, { deadline, principal, requestId }) => {
      seen = [deadline.getTime(), principal, requestId];
      deadline.setTime(0);
      return undefined;
    });
    await guard(manager).guarded.read(call, { name });
    expect(seen).toEqual([call.deadlineMs, "local", "request-1"]);
    expect(call.deadlineMs).toBeGreaterThan(Date.now());
  });
});

describe("a call that has ended well", () => {
  it("is not interrupted any more", async () => {
    const call = shortCall(20);
    const { signal } = call;
    call.end();
    call.cancel();
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(signal.aborted).toBe(false);
  });
});
