import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../free-port.js";
import type { LiteLlmRelease } from "./litellm-release.js";
import { root } from "./running-broker.js";

/** Stands for a provider of models: takes one key for good, and records every key it is sent. */
export interface Provider {
  readonly url: string;
  readonly keys: readonly string[];
  close(): Promise<void>;
}

/** What the proxy answers over HTTP. */
export interface ProxyAnswer {
  readonly status: number;
  readonly text: string;
}

/** A LiteLLM proxy in a process of its own. */
export interface LiteLlmProxy {
  /** Posts something to the proxy, with its own key unless told another. */
  post(path: string, body: object, key?: string): Promise<ProxyAnswer>;
  /** Asks a model for something; the proxy's status. */
  complete(model: string, key?: string): Promise<number>;
  /** What the process was given in its environment. */
  environment(): string;
  /** What it printed so far. */
  log(): string;
  stop(): Promise<void>;
}

/** The key the proxy itself is called with. */
export const masterKey = "sk-master-of-the-proxy";

/** How long a proxy may take to import everything and to serve, on a machine that does other things too. */
const startTimeoutMs = 150_000;

const completion = {
  id: "completion",
  object: "chat.completion",
  created: 1,
  model: "gpt-4",
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "yes" } }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};

/** Starts a provider that takes some keys. */
export async function startProvider(goodKeys: readonly string[]): Promise<Provider> {
  const keys: string[] = [];
  const server: Server = createServer((request, response) => {
    const key = (request.headers.authorization ?? "").replace(/^Bearer /u, "");
    keys.push(key);
    request.resume().once("end", () => {
      const isGood = goodKeys.includes(key);
      response.writeHead(isGood ? 200 : 401, { "content-type": "application/json" });
      response.end(JSON.stringify(isGood ? completion : { error: { message: "wrong key", code: "invalid_api_key" } }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/v1`,
    keys,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** How often a proxy is started that ends by itself: the port that its query engine was given may be taken by then. */
const startAttempts = 3;

/** Starts LiteLLM's proxy with a configuration, the file with our manager beside it, and nothing else in its environment. */
export async function startLiteLlm(
  release: LiteLlmRelease,
  config: string,
  environment: NodeJS.ProcessEnv,
): Promise<LiteLlmProxy> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(release, config, environment);
    } catch (error) {
      if (attempt === startAttempts || !(error instanceof StartError && error.endedByItself)) throw error;
      console.warn(`LiteLLM is started again: ${error.message}`);
    }
  }
}

class StartError extends Error {
  readonly endedByItself: boolean;

  constructor(printed: string, endedByItself: boolean, cause: unknown) {
    super(`LiteLLM did not start: ${printed.slice(-20_000)}`, { cause });
    this.endedByItself = endedByItself;
  }
}

async function startOnce(
  { proxyPath }: LiteLlmRelease,
  config: string,
  environment: NodeJS.ProcessEnv,
): Promise<LiteLlmProxy> {
  const folder = mkdtempSync(join(tmpdir(), "sb-litellm-"));
  writeFileSync(join(folder, "config.yaml"), config);
  writeFileSync(join(folder, "broker_secrets.py"), "from secret_broker.litellm import BrokerSecretManager\n");
  const port = await freePort();
  const parameters = ["--config", join(folder, "config.yaml"), "--host", "127.0.0.1", "--port", String(port)];
  const child = spawn(proxyPath, parameters, {
    cwd: folder,
    env: {
      ...{ HOME: folder, PATH: process.env["PATH"], PYTHONPATH: join(root, "clients/python/src") },
      // It must not ask anybody for prices, nor tell anybody that it runs.
      ...{ LITELLM_LOCAL_MODEL_COST_MAP: "True", LITELLM_TELEMETRY: "False", PYTHONDONTWRITEBYTECODE: "1" },
      ...{ LITELLM_MASTER_KEY: masterKey, ...environment },
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (printed += chunk.toString("utf8")));
  child.once("error", (error) => (printed += error.message));
  const url = `http://127.0.0.1:${String(port)}`;
  const stop = async (): Promise<void> => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilAlive(child, url);
  } catch (error) {
    const endedByItself = hasEnded(child);
    await stop();
    throw new StartError(printed, endedByItself, error);
  }
  const post: LiteLlmProxy["post"] = async (path, body, key = masterKey) => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: response.status, text: await response.text() };
  };
  return {
    post,
    complete: async (model, key) => {
      const messages = [{ role: "user", content: "well?" }];
      return (await post("/v1/chat/completions", { model, messages }, key)).status;
    },
    environment: () => readFileSync(`/proc/${String(child.pid)}/environ`, "utf8"),
    log: () => printed,
    stop,
  };
}

async function untilAlive(child: ChildProcess, url: string): Promise<void> {
  const lastMs = Date.now() + startTimeoutMs;
  while (Date.now() < lastMs) {
    if (hasEnded(child)) throw new Error(`it ended with ${String(child.exitCode ?? child.signalCode)}`);
    const response = await fetch(`${url}/health/liveliness`).catch(() => undefined);
    await response?.arrayBuffer();
    if (response?.ok === true) return;
    await sleep(250);
  }
  throw new Error("it does not answer");
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const closed = once(child, "close");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await closed;
  clearTimeout(timer);
}
