import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { AdminListenAddress } from "../../src/telemetry/admin-listen.js";
import { type AdminRoutes, type AdminServer, startAdminServer } from "../../src/telemetry/admin-server.js";

const loopback: AdminListenAddress = { kind: "tcp", host: "127.0.0.1", port: 0 };
const healthyRoutes: AdminRoutes = {
  metrics: () => Promise.resolve({ contentType: "text/plain; version=0.0.4", body: "a_total 1\n" }),
  health: () => ({ serving: true, detail: { manager: "healthy" } }),
};

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(routes: Partial<AdminRoutes> = {}, listen = loopback): Promise<AdminServer> {
  const server = await startAdminServer({ listen, routes: { ...healthyRoutes, ...routes } });
  cleanups.push(() => server.close());
  return server;
}

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "admin-"));
  cleanups.push(() => rm(directory, { recursive: true }));
  return directory;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

interface Ask {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

function ask(address: string, { path = "/metrics", method = "GET", headers = {} }: Ask = {}): Promise<Answer> {
  const target = address.startsWith("unix:")
    ? { socketPath: address.slice(5) }
    : { host: "127.0.0.1", port: Number(address.split(":").at(-1)) };
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ ...target, path, method, headers, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => (body += text));
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
    sent.on("error", reject);
    sent.end();
  });
}

describe("routes", () => {
  it("serves the metrics with their content type", async () => {
    const { address } = await start();
    expect(await ask(address)).toMatchObject({
      status: 200,
      body: "a_total 1\n",
      headers: { "content-type": "text/plain; version=0.0.4" },
    });
  });

  it("ignores a query", async () => {
    const { address } = await start();
    expect(await ask(address, { path: "/metrics?name[]=a_total" })).toMatchObject({ status: 200 });
  });

  it("answers HEAD as GET, without the body", async () => {
    const { address } = await start();
    expect(await ask(address, { method: "HEAD" })).toMatchObject({
      status: 200,
      body: "",
      headers: { "content-length": "10" },
    });
  });

  it("is alive whether it serves or not", async () => {
    const { address } = await start({ health: () => ({ serving: false, detail: {} }) });
    const answer = await ask(address, { path: "/healthz" });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({ status: "alive" });
  });

  it("is ready while the broker serves", async () => {
    const { address } = await start();
    const answer = await ask(address, { path: "/readyz" });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({ status: "serving", detail: { manager: "healthy" } });
  });

  it("is not ready while the broker does not serve, and says why", async () => {
    const { address } = await start({ health: () => ({ serving: false, detail: { audit: "unhealthy" } }) });
    const answer = await ask(address, { path: "/readyz" });
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toEqual({ status: "not serving", detail: { audit: "unhealthy" } });
  });

  it.each(["/", "/metrics/", "/metric", "/../metrics", "//metrics", "*"])("does not know %s", async (path) => {
    const { address } = await start();
    expect(await ask(address, { path })).toMatchObject({ status: 404 });
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS"])("refuses %s and says what is allowed", async (method) => {
    const { address } = await start();
    expect(await ask(address, { method })).toMatchObject({ status: 405, headers: { allow: "GET, HEAD" } });
  });

  it("tells nothing of a failure but that it happened", async () => {
    const { address } = await start({ metrics: () => Promise.reject(new Error("canary-4711")) });
    expect(await ask(address)).toMatchObject({ status: 500, body: "internal error\n" });
    expect(await ask(address, { path: "/healthz" })).toMatchObject({ status: 200 });
  });
});

describe("the Host header", () => {
  it.each(["127.0.0.1", "127.0.0.1:9464", "localhost", "LOCALHOST:9464", "[::1]:9464", "10.1.2.3:80"])(
    "may be %s",
    async (host) => {
      const { address } = await start();
      expect(await ask(address, { headers: { host } })).toMatchObject({ status: 200 });
    },
  );

  it.each(["evil.example", "evil.example:9464", "127.0.0.1.evil.example", "localhost.evil.example", "[evil]", "x:y:z"])(
    "may not be %s on a loopback address",
    async (host) => {
      const { address } = await start();
      expect(await ask(address, { headers: { host } })).toMatchObject({ status: 403 });
    },
  );

  it("may be a name on an address that others reach by name", async () => {
    const { address } = await start({}, { kind: "tcp", host: "0.0.0.0", port: 0 });
    expect(await ask(address, { headers: { host: "broker.monitoring.svc:9464" } })).toMatchObject({ status: 200 });
  });
});

describe("listening", () => {
  it("tells the port the system chose", async () => {
    expect((await start()).address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
  });

  it("opens a Unix socket to its owner alone and takes it away at the end", async () => {
    const path = join(await newDirectory(), "admin.sock");
    const server = await start({}, { kind: "unix", path });
    expect(server.address).toBe(`unix:${path}`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await ask(server.address)).toMatchObject({ status: 200 });
    await server.close();
    await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("leaves the process's file mode as it was", async () => {
    const original = process.umask(0o027);
    cleanups.push(() => Promise.resolve(process.umask(original)));
    await start({}, { kind: "unix", path: join(await newDirectory(), "admin.sock") });
    expect(process.umask(original)).toBe(0o027);
  });

  it("says which address is in use, and what to do", async () => {
    const { address } = await start();
    const port = Number(address.split(":").at(-1));
    await expect(start({}, { kind: "tcp", host: "127.0.0.1", port })).rejects.toMatchObject({
      reason: "CONFIG_INVALID",
      message: `cannot listen on "${address}" for metrics and health: it is in use; stop the process that holds it, or choose another address in secret_broker.admin.listen or by --admin-listen`,
    });
  });

  it("never takes a socket from a server that answers", async () => {
    const path = join(await newDirectory(), "admin.sock");
    const first = await start({}, { kind: "unix", path });
    await expect(start({}, { kind: "unix", path })).rejects.toMatchObject({ reason: "CONFIG_INVALID" });
    expect(await ask(first.address)).toMatchObject({ status: 200 });
  });

  it("takes over the socket of a process that died", async () => {
    const path = join(await newDirectory(), "admin.sock");
    await leaveStaleSocket(path);
    const { address } = await start({}, { kind: "unix", path });
    expect(await ask(address)).toMatchObject({ status: 200 });
  });

  it("never replaces a file that is no socket", async () => {
    const path = join(await newDirectory(), "precious.txt");
    await writeFile(path, "kept");
    await expect(start({}, { kind: "unix", path })).rejects.toMatchObject({ reason: "CONFIG_INVALID" });
    expect((await stat(path)).size).toBe(4);
  });

  it("says when a socket's directory is missing", async () => {
    const path = join(await newDirectory(), "missing", "admin.sock");
    await expect(start({}, { kind: "unix", path })).rejects.toMatchObject({ reason: "CONFIG_INVALID" });
  });

  it("ends open connections when it closes, and closes twice without harm", async () => {
    const server = await start();
    const socket = connect(Number(server.address.split(":").at(-1)), "127.0.0.1");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => undefined);
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.write("GET /metrics HTTP/1.1\r\n");
    await server.close();
    await server.close();
    await closed;
  });
});

/** Binds a socket, then puts the file back that closing took away: what a killed process leaves. */
async function leaveStaleSocket(path: string): Promise<void> {
  const { link } = await import("node:fs/promises");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.first`, resolve));
  await link(`${path}.first`, path);
  await new Promise((resolve) => server.close(resolve));
}
