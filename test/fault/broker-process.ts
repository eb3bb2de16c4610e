import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** A broker in a process of its own, which can be killed. */
export class BrokerProcess {
  /** Its Unix socket, as a client dials it. */
  readonly address: string;
  /** What it printed until it served: its banner, and its log. */
  readonly printed: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, address: string, printed: string) {
    this.#child = child;
    this.address = address;
    this.printed = printed;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Starts one with the `config.yaml` of a folder; resolves once it serves, rejects with what it says when it does not. */
  static async start(directory: string): Promise<BrokerProcess> {
    const socket = join(directory, "broker.sock");
    // One that was killed leaves its socket.
    rmSync(socket, { force: true });
    const address = `unix:${socket}`;
    const parameters = [main, "serve", "--config", join(directory, "config.yaml"), "--listen", address];
    const child = spawn(process.execPath, parameters, { stdio: ["ignore", "ignore", "pipe"] });
    let printed = "";
    child.stderr.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    const state = (): string => {
      if (printed.includes("grpcurl")) return "serves";
      return child.exitCode === null ? "starts" : "ended";
    };
    await expect.poll(state, { timeout: 20_000, interval: 20 }).not.toBe("starts");
    if (state() === "ended") throw new Error(`the broker ended at its start: ${printed}`);
    return new BrokerProcess(child, address, printed);
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }
}
