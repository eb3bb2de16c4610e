import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { rpcs, RpcCaller } from "./call-rpc.js";

const modes = ["read_only", "write_only", "read_and_write"] as const;

/** How an RPC ends: its status, or its status and reason. */
type Ending = "OK" | `${string} ${string}`;

interface Expectation {
  readonly request: object;
  /** With a hosted name, in the order of the modes. */
  readonly hosted: readonly [Ending, Ending, Ending];
  /** With a name that is not hosted, where it may otherwise be called; undefined for an RPC without one. */
  readonly unhosted: Ending | undefined;
}

const text = { $case: "text", value: "placeholder" } as const;
const denied = "PERMISSION_DENIED ACCESS_MODE_DENIED";
const notHosted = "NOT_FOUND KEY_NOT_HOSTED";
const unsupported = "UNIMPLEMENTED CAPABILITY_UNSUPPORTED";

function reading(request: object, ending: Ending): Expectation {
  return { request, hosted: [ending, denied, ending], unhosted: notHosted };
}

function writing(request: object, ending: Ending): Expectation {
  return { request, hosted: [denied, ending, ending], unhosted: notHosted };
}

/** Whoever may administer may do so whatever the access mode. */
function administering(request: object, ending: Ending, unhosted?: Ending): Expectation {
  return { request, hosted: [ending, ending, ending], unhosted };
}

const absent = "NOT_FOUND SECRET_NOT_FOUND";

const subscribe = {
  names: ["HOSTED"],
  prefixes: [],
  knownVersions: new Map(),
  knownUids: new Map(),
  resumeRevision: 0n,
};

/** The manager holds nothing: absence shows that a call got through to it. */
const expectations: Readonly<Record<string, Expectation>> = {
  ReadSecret: reading({ name: "HOSTED" }, absent),
  BatchReadSecrets: {
    request: { reads: [] },
    hosted: ["INVALID_ARGUMENT FIELD_INVALID", "INVALID_ARGUMENT FIELD_INVALID", "INVALID_ARGUMENT FIELD_INVALID"],
    unhosted: undefined,
  },
  ListSecrets: { ...reading({}, "OK"), unhosted: undefined },
  DescribeSecret: reading({ name: "HOSTED" }, absent),
  WriteSecret: writing({ name: "HOSTED", payload: text, activate: false }, "OK"),
  ActivateSecretVersion: writing({ name: "HOSTED", version: 9 }, "NOT_FOUND VERSION_NOT_FOUND"),
  DeleteSecret: writing({ name: "HOSTED" }, "OK"),
  RestoreSecret: writing({ name: "HOSTED" }, unsupported),
  DestroySecret: writing({ name: "HOSTED", target: { $case: "version", value: 1 } }, unsupported),
  RotateSecret: writing({ name: "HOSTED", payload: text }, absent),
  WatchSecrets: { ...reading({ action: { $case: "subscribe", value: subscribe } }, "OK"), unhosted: undefined },
  StoreVirtualKey: { request: { alias: "a", key: "k" }, hosted: [unsupported, "OK", "OK"], unhosted: undefined },
  RotateVirtualKey: { request: { alias: "b", key: "k" }, hosted: [unsupported, absent, absent], unhosted: undefined },
  DeleteVirtualKeys: { request: { aliases: ["c"] }, hosted: [unsupported, "OK", "OK"], unhosted: undefined },
  GetStatus: administering({}, "OK"),
  CheckAccess: administering({ principal: "p", action: "read", name: "HOSTED" }, "OK", "OK"),
  VerifyAudit: administering({}, "OK"),
  ReloadConfiguration: administering({}, "OK"),
  FreezeSecret: administering({ name: "FROZEN", cause: "a test" }, "OK", "OK"),
  UnfreezeSecret: administering({ name: "HOSTED" }, "OK", "OK"),
  ListConsumers: administering({}, "OK"),
};

describe("every RPC of every service", () => {
  it("has an expectation, and every expectation an RPC", () => {
    expect(Object.keys(expectations).toSorted()).toEqual([...rpcs.keys()].toSorted());
  });
});

describe.each(modes.map((mode, index) => [mode, index] as const))("with access_mode %s", (mode, index) => {
  let broker: TestBroker;
  let caller: RpcCaller;

  beforeAll(async () => {
    broker = await startBroker({ config: configOf(mode) });
    caller = new RpcCaller(broker.address);
  });

  afterAll(async () => {
    caller.close();
    await broker.stop();
  });

  it.each(Object.entries(expectations))("%s ends as expected", async (name, { request, hosted }) => {
    const { code, reason } = await caller.call(name, request);
    expect([code, reason].filter(Boolean).join(" ")).toBe(hosted[index]);
  });

  const named = Object.entries(expectations).filter(([, { unhosted }]) => unhosted !== undefined);

  it.each(named)("%s knows only hosted names", async (name, { request, hosted, unhosted }) => {
    const { code, reason } = await caller.call(name, { ...request, name: "ANOTHER" });
    expect([code, reason].filter(Boolean).join(" ")).toBe(hosted[index] === denied ? denied : unhosted);
  });

  const unsafe = ["", "x".repeat(513), "../x", "a/../b", "/x", "x/", "a//b", "a\u0000b", "a\u2028b", ".."];

  it.each(named)("%s refuses unsafe names before anything else", async (name, { request }) => {
    for (const bad of unsafe) {
      expect(await caller.call(name, { ...request, name: bad })).toMatchObject({ reason: "FIELD_INVALID" });
    }
  });
});

function configOf(mode: string): string {
  return `
general_settings:
  key_management_settings:
    access_mode: ${mode}
    hosted_keys: [HOSTED]
    store_virtual_keys: ${String(mode !== "read_only")}
secret_broker:
  manager: { kind: memory }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
`;
}
