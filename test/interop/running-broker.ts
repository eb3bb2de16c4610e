import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const root: string = fileURLToPath(new URL("../../", import.meta.url));

/** The shipped program in a process of its own. */
export interface RunningBroker {
  readonly address: string;
  /** The path of its Unix socket. */
  readonly socketPath: string;
  /** What it printed for a person. */
  banner(): string;
  /** Stops it in order, unless it has ended; resolves with its exit code. */
  stop(): Promise<number | null>;
}

const managerClass = `
import { CustomSecretManager } from "secret-broker/contract";

export class TestedManager extends CustomSecretManager {
  #secrets = new Map([["OPENAI_API_KEY", "placeholder-key"]]);

  async readSecret(name) {
    if (name === "SLOW") await new Promise((resolve) => setTimeout(resolve, 30_000).unref());
    return this.#secrets.get(name);
  }

  writeSecret(name, value) {
    this.#secrets.set(name, value);
  }

  deleteSecret(name) {
    return this.#secrets.delete(name);
  }
}
`;

const config = `
general_settings:
  key_management_system: custom
  key_management_settings:
    custom_secret_manager: tested_manager.TestedManager
    access_mode: read_and_write
    store_virtual_keys: true
secret_broker:
  audit: { sink: file, path: audit.jsonl }
`;

/** Starts `dist/main.js serve` on a free port and a Unix socket, with a user's class or another configuration. */
export async function startShippedBroker(configFile?: string): Promise<RunningBroker> {
  const folder = mkdtempSync(join(tmpdir(), "secret-broker-interop-"));
  writeFileSync(join(folder, "tested_manager.mjs"), managerClass);
  writeFileSync(join(folder, "config.yaml"), config);
  const socketPath = join(folder, "broker.sock");
  const listen = ["--listen", "127.0.0.1:0", "--listen", `unix:${socketPath}`, "--admin-listen", "127.0.0.1:0"];
  const broker = await startServing(folder, listen, configFile);
  return {
    ...broker,
    stop: async () => {
      const code = await broker.stop();
      rmSync(folder, { recursive: true, force: true });
      return code;
    },
  };
}

/** Starts `dist/main.js serve` with the configuration of a folder, or another one. */
export async function startServing(
  folder: string,
  parameters: readonly string[],
  configFile: string = join(folder, "config.yaml"),
): Promise<RunningBroker> {
  const child = spawn(process.execPath, [join(root, "dist/main.js"), "serve", "--config", configFile, ...parameters]);
  const printed = await untilServing(child);
  return {
    address: /gRPC +(127\.0\.0\.1:\d+)/u.exec(printed())?.[1] ?? "",
    socketPath: join(folder, "broker.sock"),
    banner: printed,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGTERM");
        await once(child, "close");
      }
      return child.exitCode;
    },
  };
}

function untilServing(child: ChildProcess): Promise<() => string> {
  let text = "";
  return new Promise((resolve, reject) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      if (/DeleteSecret|Health\/Check/u.test(text)) resolve(() => text);
    });
    child.once("close", () => {
      reject(new Error(`the broker ended at its start: ${text}`));
    });
  });
}
