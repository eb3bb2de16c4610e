import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AdminListenAddress, listenOn } from "./admin-listen.js";
import { isAddressHeader, isLoopbackHost } from "./loopback-host.js";

/** The metrics as they are sent. */
export interface MetricsDocument {
  readonly contentType: string;
  readonly body: string;
}

/** Whether the broker serves, with what that depends on. */
export interface HealthReport {
  readonly serving: boolean;
  /** A word for each part: `{ manager: "healthy" }`. Sent to anyone who asks, so never a failure's text. */
  readonly detail: Readonly<Record<string, string>>;
}

/** What the admin server answers with. */
export interface AdminRoutes {
  metrics(): Promise<MetricsDocument>;
  health(): HealthReport;
}

/** Where to listen and what to answer. */
export interface AdminServerOptions {
  readonly listen: AdminListenAddress;
  readonly routes: AdminRoutes;
}

/** A running admin server. */
export interface AdminServer {
  /** `127.0.0.1:9464` with the port the system chose, or `unix:PATH`. */
  readonly address: string;
  /** Ends every connection and frees the address. Idempotent. */
  close(): Promise<void>;
}

/** Clients that send slowly, or come in crowds, must not hold the process. */
const headersTimeoutMs = 5_000;
const requestTimeoutMs = 10_000;
const maxConnections = 100;
const maxHeaderBytes = 8 * 1024;

/**
 * Serves `/metrics`, `/healthz` (the process is alive) and `/readyz` (the broker serves) over HTTP.
 *
 * On a loopback address a request must name the host by address or as `localhost`, as web pages could otherwise read
 * the answers through a browser on this machine.
 * @throws SecretError `CONFIG_INVALID` when the address cannot be listened on
 */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { listen, routes } = options;
  const refusesNames = listen.kind === "tcp" && isLoopbackHost(listen.host);
  const server = createServer(
    {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      maxHeaderSize: maxHeaderBytes,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      if (refusesNames && !isAddressHeader(request.headers.host)) sendText(response, 403, "unexpected host");
      else void answer(routes, request, response);
    },
  );
  server.maxConnections = maxConnections;
  const address = await listenOn(server, listen);
  return { address, close: () => closeServer(server) };
}

async function answer(routes: AdminRoutes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const route = routeOf(request.url ?? "/");
  if (route === undefined) {
    sendText(response, 404, "not found");
    return;
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    sendText(response, 405, "method not allowed");
    return;
  }
  try {
    await route(routes, response);
  } catch {
    // What failed could be anything, and its text is not for whoever asks.
    sendText(response, 500, "internal error");
  }
}

type Route = (routes: AdminRoutes, response: ServerResponse) => void | Promise<void>;

const routeByPath: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["/metrics", sendMetrics],
  ["/healthz", sendAlive],
  ["/readyz", sendReady],
]);

function routeOf(url: string): Route | undefined {
  return routeByPath.get(url.split("?", 1)[0] ?? "");
}

async function sendMetrics(routes: AdminRoutes, response: ServerResponse): Promise<void> {
  const { contentType, body } = await routes.metrics();
  send(response, 200, { contentType, body });
}

function sendAlive(_routes: AdminRoutes, response: ServerResponse): void {
  sendJson(response, 200, { status: "alive" });
}

function sendReady(routes: AdminRoutes, response: ServerResponse): void {
  const { serving, detail } = routes.health();
  sendJson(response, serving ? 200 : 503, { status: serving ? "serving" : "not serving", detail });
}

function sendJson(response: ServerResponse, status: number, document: unknown): void {
  send(response, status, { contentType: "application/json; charset=utf-8", body: `${JSON.stringify(document)}\n` });
}

function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, { contentType: "text/plain; charset=utf-8", body: `${text}\n` });
}

function send(response: ServerResponse, status: number, { contentType, body }: MetricsDocument): void {
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  // Node leaves the body out of the answer to HEAD.
  response.end(body);
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  await new Promise<void>((resolve, reject) => {
    server.close((error) => {
      if (error) reject(error);
      else resolve();
    });
    server.closeAllConnections();
  });
}
