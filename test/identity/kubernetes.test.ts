import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Issuer, sendJson } from "./issuer.js";
import { type OpenIdentity, openIdentity, outcomeOf, trust } from "./open-identity.js";
import { type SelfSigned, selfSigned } from "./self-signed.js";

const subject = "system:serviceaccount:payments:worker";

/** What the API server adds to a projected token. */
const binding = {
  "kubernetes.io": { namespace: "payments", serviceaccount: { name: "worker" }, pod: { name: "worker-0" } },
};

let folder: string;
let tls: SelfSigned;
let server: Issuer;
let opened: OpenIdentity | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "secret-broker-kubernetes-"));
  tls = selfSigned();
  server = await Issuer.start(tls);
  // As the API server does, it answers only who has a token, which is replaced now and again.
  server.answer = (request, response) => {
    if (request.headers.authorization !== "Bearer reader-1") response.writeHead(401).end("{}");
    else if (request.url === "/openid/v1/jwks") sendJson(response, { keys: server.published });
    else sendJson(response, { issuer: server.url, jwks_uri: `${server.url}/openid/v1/jwks` });
  };
  writeFileSync(join(folder, "ca.crt"), tls.cert);
  writeFileSync(join(folder, "token"), "reader-1\n");
});

afterEach(async () => {
  opened?.close();
  await server.down();
  rmSync(folder, { recursive: true, force: true });
});

function open(more: string, files = `ca_file: ${folder}/ca.crt, bearer_token_file: ${folder}/token`): OpenIdentity {
  opened = openIdentity(trust(server, `kubernetes: true, ${more}, ${files}`));
  return opened;
}

const projected = (sub = subject): Promise<string> => server.token({ claims: { sub, ...binding } });

describe("service-account tokens", () => {
  it.each([
    ["the cluster's discovery", () => `discovery_url: ${server.url}/.well-known/openid-configuration`],
    ["the key set itself", () => `jwks_url: ${server.url}/openid/v1/jwks`],
  ])("are proven through %s, with the cluster's certificate and the broker's own token", async (_what, place) => {
    const identity = open(place());
    expect(await outcomeOf(identity, await projected())).toBe("k8s:payments/worker");
    expect(new Set(server.requests.map(({ authorization }) => authorization))).toEqual(new Set(["Bearer reader-1"]));
  });

  it("of another audience are those for other services", async () => {
    const identity = open(`jwks_url: ${server.url}/openid/v1/jwks`);
    const other = await server.token({ claims: { sub: subject, aud: ["https://kubernetes.default.svc"] } });
    expect(await outcomeOf(identity, other)).toBe(
      "CREDENTIAL_INVALID the bearer token is for another audience than this broker",
    );
  });

  it.each([
    "system:node:a",
    "system:serviceaccount:payments",
    "system:serviceaccount:payments:worker:more",
    "system:serviceaccount::worker",
    "system:serviceaccount:pay/ments:worker",
    "system:serviceaccount:payments:../worker",
    "system:serviceaccount:payments:*",
    "system:serviceaccount:PAYMENTS:worker",
    " system:serviceaccount:payments:worker",
    "system:serviceaccount:payments:worker\n",
  ])("the subject %j is none of theirs", async (sub) => {
    const identity = open(`jwks_url: ${server.url}/openid/v1/jwks`);
    expect(await outcomeOf(identity, await projected(sub))).toBe(
      "CREDENTIAL_INVALID the bearer token is not one of a Kubernetes service account",
    );
  });

  it("can be asked for what the API server says of them", async () => {
    const claims = "required_claims: { /kubernetes.io/namespace: [payments, billing] }";
    const identity = open(`${claims}, jwks_url: ${server.url}/openid/v1/jwks`);
    expect(await outcomeOf(identity, await projected())).toBe("k8s:payments/worker");
    const elsewhere = { ...binding, "kubernetes.io": { namespace: "other" } };
    expect(await outcomeOf(identity, await server.token({ claims: { sub: subject, ...elsewhere } }))).toBe(
      "CREDENTIAL_INVALID the bearer token lacks a claim that is required, or has another value there",
    );
  });

  it("are not proven by a server that cannot prove itself", async () => {
    writeFileSync(join(folder, "ca.crt"), selfSigned().cert);
    const identity = open(`jwks_url: ${server.url}/openid/v1/jwks`);
    expect(await outcomeOf(identity, await projected())).toMatch(/^IDENTITY_UNAVAILABLE /u);
    expect(identity.failures[0]).toMatch(/^the server cannot be reached \(\w+\)$/u);
    expect(server.requests).toEqual([]);
  });

  it("need the file of the broker's own token again each time", async () => {
    writeFileSync(join(folder, "token"), "reader-0");
    const identity = open(`jwks_url: ${server.url}/openid/v1/jwks`);
    expect(await outcomeOf(identity, await projected())).toMatch(/^IDENTITY_UNAVAILABLE /u);
    expect(identity.failures[0]).toBe("the server answered with status 401");
    writeFileSync(join(folder, "token"), "reader-1");
    await expect
      .poll(async () => outcomeOf(identity, await projected()), { timeout: 10_000 })
      .toBe("k8s:payments/worker");
    expect(identity.failures.join()).not.toContain("reader");
  });
});

describe("a discovery document", () => {
  it("that names another server does not get it the broker's token", async () => {
    const other = await Issuer.start(tls);
    other.answer = (_request, response) => sendJson(response, { keys: server.published });
    server.answer = (_request, response) => sendJson(response, { issuer: server.url, jwks_uri: other.keysUrl });
    const identity = open(`discovery_url: ${server.url}/d`);
    expect(await outcomeOf(identity, await projected())).toBe("k8s:payments/worker");
    expect(other.requests).toEqual([{ path: "/keys", authorization: undefined }]);
    await other.down();
  });

  it.each([
    ["another issuer", () => ({ issuer: "https://other.example", jwks_uri: server.keysUrl }), "names another issuer"],
    ["no key set", () => ({ issuer: server.url }), "names no jwks_uri"],
    ["what is no URL", () => ({ issuer: server.url, jwks_uri: "/keys" }), "names no jwks_uri"],
    ["plain HTTP", () => ({ issuer: server.url, jwks_uri: "http://127.0.0.1:1/keys" }), "is not https"],
    ["a file", () => ({ issuer: server.url, jwks_uri: "file:///etc/passwd" }), "is not https"],
    ["a password", () => ({ issuer: server.url, jwks_uri: "https://a:b@127.0.0.1:1/" }), "has a password"],
    ["nothing", () => null, "names another issuer"],
  ])("that names %s is not followed", async (_what, document, message) => {
    server.answer = (_request, response) => sendJson(response, document());
    const identity = open(`discovery_url: ${server.url}/d`);
    expect(await outcomeOf(identity, await projected())).toMatch(/^IDENTITY_UNAVAILABLE /u);
    expect(identity.failures[0]).toContain(message);
    expect(server.requests).toHaveLength(1);
  });
});
