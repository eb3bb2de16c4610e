import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials, Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Action } from "../../src/domain/action.js";
import { createAccessToken, hashOfToken } from "../../src/identity/access-token.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { Issuer, type TokenChanges } from "../identity/issuer.js";
import { type Issued, TestAuthority } from "../tls/test-authority.js";
import { type Outcome, RpcCaller, rpcs, standingRpcs } from "./call-rpc.js";

const text = { payload: { $case: "text", value: "placeholder" } };

const listServices = { $case: "listServices", value: "" };

const subscribe = {
  ...{ names: ["app/A"], prefixes: [], resumeRevision: 0n },
  ...{ knownVersions: new Map(), knownUids: new Map() },
};

/** The manager in memory keeps nothing that was deleted. */
const unsupported = "UNIMPLEMENTED CAPABILITY_UNSUPPORTED";

/**
 * What each RPC needs, a request that is in order, and how it ends for everyone who may, which is OK unless it is said;
 * a new RPC without a line here fails.
 */
const needs: Readonly<Record<string, readonly [Action, object, ending?: string]>> = {
  ReadSecret: ["read", { name: "app/A" }],
  BatchReadSecrets: ["read", { reads: [readOf("app/A")] }],
  ListSecrets: ["list", {}],
  DescribeSecret: ["describe", { name: "app/A" }],
  WriteSecret: ["write", { name: "app/W", ...text }],
  ActivateSecretVersion: ["activate", { name: "app/A", version: 1 }],
  DeleteSecret: ["delete", { name: "app/D" }],
  RestoreSecret: ["restore", { name: "app/A" }, unsupported],
  DestroySecret: ["destroy", { name: "app/A", target: { $case: "version", value: 1 } }, unsupported],
  RotateSecret: ["rotate", { name: "app/A", ...text }],
  WatchSecrets: ["watch", { action: { $case: "subscribe", value: subscribe } }],
  StoreVirtualKey: ["write", { alias: "a", key: "k" }],
  RotateVirtualKey: ["rotate", { alias: "a", key: "k" }],
  DeleteVirtualKeys: ["delete", { aliases: ["a"] }],
  GetStatus: ["administer", {}],
  CheckAccess: ["administer", { principal: "p", action: "read", name: "app/A" }],
  VerifyAudit: ["administer", {}],
  ReloadConfiguration: ["administer", {}],
  FreezeSecret: ["administer", { name: "app/F", cause: "a test" }],
  UnfreezeSecret: ["administer", { name: "app/F" }],
  ListConsumers: ["administer", {}],
};

/** What health and reflection are asked, and tell everyone; a new RPC without a line here fails. */
const standing: Readonly<Record<string, object>> = {
  "grpc.health.v1.Health/Check": { service: "" },
  "grpc.health.v1.Health/List": {},
  "grpc.health.v1.Health/Watch": { service: "secretbroker.v1.SecretBroker" },
  "grpc.reflection.v1.ServerReflection/ServerReflectionInfo": { host: "", messageRequest: listServices },
  "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": { host: "", messageRequest: listServices },
};

const token = {
  ...{ stranger: createAccessToken(), reader: createAccessToken(), full: createAccessToken() },
  ...{ admin: createAccessToken(), expired: createAccessToken(), unknown: createAccessToken() },
};

const reading: readonly Action[] = ["read", "list", "describe", "watch"];

const folder = mkdtempSync(join(tmpdir(), "secret-broker-callers-"));
const authority = new TestAuthority(folder, "authority");
const server = authority.issue("server", { san: "DNS:localhost", usage: "serverAuth" });
const san = "URI:spiffe://example.org/reader";

/** What a caller shows in its TLS handshake; undefined for no certificate. */
const shown = {
  none: undefined,
  good: authority.issue("reader", { san }),
  other: new TestAuthority(folder, "stranger").issue("reader", { san }),
  expired: authority.issue("expired", { san, fromSeconds: -7_200, toSeconds: -3_600 }),
  elsewhere: authority.issue("elsewhere", { san: "URI:spiffe://example.com/reader" }),
  proxy: authority.issue("proxy", { san: "URI:spiffe://example.org/proxy" }),
} as const;

interface Kind {
  /** Over TLS; plaintext when it is left out. */
  readonly certificate?: keyof typeof shown;
  /** Over the Unix socket of a workload. */
  readonly isLocal?: boolean;
  /** Whose certificate a proxy says it has seen. */
  readonly forwarded?: string;
  /** The values of the metadata key `authorization`. */
  readonly authorization: readonly string[];
  /** How every call ends whatever it asks, or the actions that are allowed. */
  readonly expected: string | ((action: Action) => boolean);
}

const bearer = (value: string): readonly string[] => [`Bearer ${value}`];
const invalid = "UNAUTHENTICATED CREDENTIAL_INVALID";

const kinds: Readonly<Record<string, Kind>> = {
  nobody: { authorization: [], expected: "UNAUTHENTICATED CREDENTIAL_MISSING" },
  "an unknown token": { authorization: bearer(token.unknown), expected: invalid },
  "a cut off token": { authorization: bearer(token.full.slice(0, -1)), expected: invalid },
  "a hash instead of its token": { authorization: bearer(hashOfToken(token.full)), expected: invalid },
  "another scheme": { authorization: [`Basic ${token.full}`], expected: invalid },
  "a token without a scheme": { authorization: [token.full], expected: invalid },
  "an expired token": { authorization: bearer(token.expired), expected: "UNAUTHENTICATED CREDENTIAL_EXPIRED" },
  "a principal without a grant": { authorization: bearer(token.stranger), expected: () => false },
  "a reader": { authorization: bearer(token.reader), expected: (action) => reading.includes(action) },
  "one who may do all but administer": {
    authorization: bearer(token.full),
    expected: (action) => action !== "administer",
  },
  "a certificate of a reader": {
    ...{ certificate: "good", authorization: [] },
    expected: (action) => reading.includes(action),
  },
  "a certificate, but an unknown token": {
    certificate: "good",
    authorization: bearer(token.unknown),
    expected: invalid,
  },
  "a certificate of another authority": { certificate: "other", authorization: [], expected: invalid },
  "a certificate of another trust domain": { certificate: "elsewhere", authorization: [], expected: invalid },
  "an expired certificate": {
    ...{ certificate: "expired", authorization: [] },
    expected: "UNAUTHENTICATED CREDENTIAL_EXPIRED",
  },
  "no certificate": { certificate: "none", authorization: [], expected: "UNAUTHENTICATED CREDENTIAL_MISSING" },
  "a token without a certificate": {
    ...{ certificate: "none", authorization: bearer(token.admin) },
    expected: (action) => action === "administer",
  },
  "a workload on its socket": {
    ...{ isLocal: true, authorization: [] },
    expected: (action) => reading.includes(action),
  },
  "a proxy for a reader": {
    ...{ certificate: "proxy", forwarded: "URI=spiffe://example.org/reader", authorization: [] },
    expected: (action) => reading.includes(action),
  },
  "a proxy for another trust domain": {
    ...{ certificate: "proxy", forwarded: "URI=spiffe://example.com/reader", authorization: [] },
    expected: invalid,
  },
  "a proxy for itself": {
    ...{ certificate: "proxy", authorization: [] },
    expected: "UNAUTHENTICATED CREDENTIAL_MISSING",
  },
  "a reader who says it is a proxy": {
    ...{ certificate: "good", forwarded: "URI=spiffe://example.org/reader", authorization: [] },
    expected: invalid,
  },
  "an administrator": { authorization: bearer(token.admin), expected: (action) => action === "administer" },
};

const jwtClaims: Readonly<Record<string, TokenChanges>> = {
  "a JWT of a reader": { claims: { sub: "jwt-reader", roles: ["readers"] } },
  "a JWT of a principal without a grant": { claims: { sub: "jwt-stranger" } },
  "an expired JWT": { claims: { sub: "full", exp: 1 } },
  "a JWT for another audience": { claims: { sub: "full", aud: "another" } },
  "a JWT of another issuer": { claims: { sub: "full", iss: "https://issuer.example" } },
};

const jwtKinds: Readonly<Record<string, Kind["expected"]>> = {
  "a JWT of a reader": (action) => reading.includes(action),
  "a JWT of a principal without a grant": () => false,
  "an expired JWT": "UNAUTHENTICATED CREDENTIAL_EXPIRED",
  "a JWT for another audience": invalid,
  "a JWT of another issuer": invalid,
};

const config = (issuer: Issuer): string => `
general_settings:
  key_management_settings:
    access_mode: read_and_write
    store_virtual_keys: true
    prefix_for_stored_virtual_keys: app/keys
secret_broker:
  manager: { kind: memory }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  listen:
    - 127.0.0.1:0
    - { address: "unix:workload.sock", principal: workload }
    - address: localhost:0
      tls:
        certificate: ${server.certificateFile}
        key: ${server.keyFile}
        client_ca: ${authority.certificateFile}
        client_certificates: optional
  authentication:
    tokens: { file: tokens.yaml }
    jwt: [{ issuer: "${issuer.url}", audiences: [${issuer.audience}], groups_claim: roles }]
    certificates: { trust_domains: [example.org] }
    forwarded: { proxies: ["spiffe://example.org/proxy"] }
  policies:
    - { name: readers, groups: [readers], principals: ["spiffe://example.org/reader", workload], actions: [read, list, describe, watch], names: ["app/**"] }
    - { name: full, principals: [full], actions: ["*"], names: ["**"] }
    - { name: admin, principals: [admin], actions: [administer], names: ["**"] }
`;

function tokensFile(): string {
  const entry = (principal: string, value: string, more = ""): string =>
    `  - { principal: ${principal}, hash: "${hashOfToken(value)}"${more} }\n`;
  return `tokens:\n${[
    entry("stranger", token.stranger),
    entry("reader", token.reader, ", groups: [readers]"),
    entry("full", token.full, ', expires: "2999-01-01T00:00:00Z"'),
    entry("admin", token.admin),
    entry("full", token.expired, ', expires: "2020-01-01T00:00:00Z"'),
  ].join("")}`;
}

describe("every RPC by every kind of caller", () => {
  let broker: TestBroker;
  let plain: RpcCaller;
  let local: RpcCaller;
  let encrypted: Readonly<Record<string, RpcCaller>>;
  let issuer: Issuer;
  const jwts = new Map<string, string>();

  beforeAll(async () => {
    issuer = await Issuer.start();
    for (const [kind, changes] of Object.entries(jwtClaims)) jwts.set(kind, await issuer.token(changes));
    broker = await startBroker({ config: config(issuer), listen: [], files: { "tokens.yaml": tokensFile() } });
    const [address = "", localAddress = "", secureAddress = ""] = broker.addresses;
    plain = new RpcCaller(address);
    local = new RpcCaller(localAddress);
    await callAs("one who may do all but administer", "WriteSecret", { name: "app/A", ...text });
    encrypted = Object.fromEntries(
      Object.entries(shown).map(([name, client]) => [name, new RpcCaller(secureAddress, credentialsOf(client))]),
    );
  });

  afterAll(async () => {
    for (const caller of [plain, local, ...Object.values(encrypted)]) caller.close();
    await broker.stop();
    await issuer.down();
    rmSync(folder, { recursive: true, force: true });
  });

  const kindOf = (kind: string): Kind =>
    kinds[kind] ?? { authorization: bearer(jwts.get(kind) ?? ""), expected: jwtKinds[kind] ?? "" };

  function callAs(kind: string, rpc: string, request: object): Promise<Outcome> {
    const { certificate, isLocal = false, forwarded, authorization } = kindOf(kind);
    const metadata = new Metadata();
    for (const value of authorization) metadata.add("authorization", value);
    if (forwarded !== undefined) metadata.add("x-forwarded-client-cert", forwarded);
    const remote = certificate === undefined ? plain : encrypted[certificate];
    return ((isLocal ? local : remote) ?? plain).call(rpc, request, metadata);
  }

  it("has an expectation", () => {
    expect(Object.keys(needs).toSorted()).toEqual([...rpcs.keys()].toSorted());
    expect(Object.keys(standing).toSorted()).toEqual([...standingRpcs.keys()].toSorted());
  });

  it("knows every service", async () => {
    const [, , , reflection = ""] = Object.keys(standing);
    const { response } = await plain.call(reflection, standing[reflection]);
    const known = [...rpcs.values(), ...standingRpcs.values()].map(({ path }) => path.split("/")[1] ?? "");
    const names = [...JSON.stringify(response).matchAll(/"name":"([^"]+)"/gu)].map(([, name]) => name);
    expect(names.toSorted()).toEqual([...new Set(known)].toSorted());
  });

  const allKinds = [...Object.keys(kinds), ...Object.keys(jwtKinds)];
  const pairs = Object.keys(needs).flatMap((rpc) => allKinds.map((kind) => [rpc, kind] as const));

  it.each(pairs)("%s by %s ends as it must", async (rpc, kind) => {
    const [action, request, ending = "OK"] = needs[rpc] ?? ["read", {}];
    const { expected } = kindOf(kind);
    const outcome = await callAs(kind, rpc, request);
    const told = toldOf(rpc, outcome);
    if (typeof expected === "string") expect(told).toBe(expected);
    else if (expected(action)) expect(told).toBe(ending);
    else expect(told).toBe("PERMISSION_DENIED POLICY_DENIED");
    for (const value of [...Object.values(token), ...jwts.values()])
      expect(JSON.stringify(outcome, bigintsAsText)).not.toContain(value);
  });

  it.each(Object.keys(standing).flatMap((rpc) => allKinds.map((kind) => [rpc, kind] as const)))(
    "%s answers %s",
    async (rpc, kind) => {
      expect(await callAs(kind, rpc, standing[rpc] ?? {})).toMatchObject({ code: "OK" });
    },
  );
});

function credentialsOf(client: Issued | undefined): ReturnType<typeof credentials.createSsl> {
  const [key, certificate] = client ? [Buffer.from(client.key), Buffer.from(client.certificate)] : [];
  return credentials.createSsl(Buffer.from(authority.certificate), key, certificate);
}

/** What an answer says; of the two that answer item by item, what the item says. */
function toldOf(rpc: string, { code, reason, response }: Outcome): string {
  if (code !== "OK" || (rpc !== "BatchReadSecrets" && rpc !== "DeleteVirtualKeys"))
    return `${code} ${reason ?? ""}`.trim();
  const said = JSON.stringify(response, bigintsAsText);
  if (said.includes("policy does not allow")) return "PERMISSION_DENIED POLICY_DENIED";
  return said.includes('"$case":"error"') ? said : "OK";
}

function bigintsAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

function readOf(name: string): object {
  return { name, field: "", version: undefined, knownVersion: undefined, options: undefined, maxStaleness: undefined };
}
