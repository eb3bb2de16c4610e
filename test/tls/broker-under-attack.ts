import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { credentials, Metadata } from "@grpc/grpc-js";
import { HealthClient } from "../../src/gen/grpc/health/v1/health.js";
import { TestAuthority } from "./test-authority.js";

const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** A broker in a process of its own, with little memory, that listens with TLS and without. */
export class BrokerUnderAttack {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly authority: TestAuthority;
  plainAddress = "";
  tlsAddress = "";
  readonly #served: Promise<void>;
  #log = "";

  private constructor(limits: string) {
    this.#folder = mkdtempSync(join(tmpdir(), "secret-broker-attack-"));
    this.authority = new TestAuthority(this.#folder, "authority");
    const { certificateFile, keyFile } = this.authority.issue("server", { san: "DNS:localhost" });
    const file = join(this.#folder, "config.yaml");
    const config = `
secret_broker:
  manager: { kind: memory }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: warn }
  listen:
    - 127.0.0.1:0
    - { address: "127.0.0.1:0", tls: { certificate: ${certificateFile}, key: ${keyFile} } }
  limits: { ${limits} }
`;
    writeFileSync(file, config);
    const flags = ["--max-old-space-size=96", "--max-semi-space-size=2"];
    this.#child = spawn(process.execPath, [...flags, main, "serve", "--config", file], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#served = new Promise((resolve, reject) => {
      this.#child.stderr?.on("data", (chunk: Buffer) => {
        this.#log += chunk.toString();
        if (this.#log.includes("Health/Check")) resolve();
      });
      this.#child.once("close", () => {
        reject(new Error(`the broker did not start: ${this.#log}`));
      });
    });
  }

  /** Starts one; must be stopped. */
  static async start(limits: string): Promise<BrokerUnderAttack> {
    const broker = new BrokerUnderAttack(limits);
    await broker.#served;
    const addresses = [...broker.log.matchAll(/gRPC {5}(\S+)/gu)].map(([, address = ""]) => address);
    [broker.plainAddress = "", broker.tlsAddress = ""] = addresses;
    return broker;
  }

  /** What it has said so far. */
  get log(): string {
    return this.#log;
  }

  /** Whether a health check over a new connection is answered with SERVING. */
  async isServing(): Promise<boolean> {
    const client = new HealthClient(this.plainAddress, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    try {
      return await new Promise((resolve) => {
        client.check({ service: "" }, new Metadata(), { deadline: Date.now() + 15_000 }, (error, response) => {
          resolve(error === null && response.status === 1);
        });
      });
    } finally {
      client.close();
    }
  }

  /** Its resident memory. */
  residentMb(): number {
    const text = readFileSync(`/proc/${String(this.#child.pid)}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/u.exec(text)?.[1]) / 1024;
  }

  /** Stops it as an operator would. @returns its exit code */
  async stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    const [code] =
      this.#child.exitCode === null ? ((await once(this.#child, "close")) as [number | null]) : [this.#child.exitCode];
    rmSync(this.#folder, { recursive: true, force: true });
    return code;
  }
}
