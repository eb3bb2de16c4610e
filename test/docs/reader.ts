import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { parseDocument } from "yaml";
import { freePort } from "../free-port.js";
import { litellmFolder, peerFolders } from "./peers.js";
import { root } from "./markdown.js";
import { notExecuted, provedByCi } from "./slow-commands.js";

/** What a command did. */
export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

interface Server {
  readonly child: ChildProcess;
  readonly closed: Promise<unknown>;
}

const quickStart = "secret-broker serve --config examples/quickstart/config.yaml";

/** A program that goes on beside the broker, and what it prints once it serves. */
const besides = "/litellm --config ";
const besidesServes = /Application startup complete|Application startup failed/u;

/** Commands that go on until they are stopped. */
const serving = /^(?:npm start|secret-broker serve|npx node dist\/main\.js serve)\b/u;

/**
 * Somebody who follows a document from its begin to its end, in a folder that holds a clone named `secret-broker`:
 * writes the files it shows, runs its commands in the clone, and keeps the broker it starts running until it starts
 * another. Before that, the quick start runs. The default ports are replaced by free ones.
 */
export class Reader {
  readonly #folder: string;
  readonly #ports: ReadonlyMap<string, string>;
  readonly #longestMs: number;
  #server: Server | undefined;
  #beside: Server | undefined;

  private constructor(folder: string, ports: ReadonlyMap<string, string>, longestMs: number) {
    this.#folder = folder;
    this.#ports = ports;
    this.#longestMs = longestMs;
  }

  /** Makes the folder; must be closed. No block may take longer than `longestMs`. */
  static async open(longestMs = 45_000): Promise<Reader> {
    const folder = mkdtempSync(join(tmpdir(), "reader-"));
    const ports = new Map([
      ["50051", String(await freePort())],
      ["50052", String(await freePort())],
      ["14000", String(await freePort())],
    ]);
    const reader = new Reader(folder, ports, longestMs);
    reader.#clone();
    return reader;
  }

  /** Stops the broker and removes the folder. */
  async close(): Promise<void> {
    await stopServer(this.#beside);
    await this.#stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A text of the document as this reader would write it. */
  adapt(text: string): string {
    let adapted = text;
    for (const [standard, free] of this.#ports) adapted = adapted.replaceAll(standard, free);
    return adapted;
  }

  /** Writes a file the document shows; a configuration leaves the default ports to others. */
  write(title: string, content: string): string {
    const path = join(this.#folder, title);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${this.adapt(title.endsWith(".yaml") ? withAddresses(content) : content)}\n`);
    return path;
  }

  /** Runs a block of commands; its last one may start a broker. */
  async run(shell: "sh" | "bash", code: string): Promise<Outcome> {
    const commands = commandsOf(this.adapt(code));
    const last = commands.at(-1) ?? "";
    if (last.includes(besides)) return await this.#serveBeside(last);
    if (!serving.test(last)) return await this.#runHere(shell, this.adapt(withoutSkipped(code)));
    const before = await this.#runHere(shell, commands.slice(0, -1).join("\n"));
    return before.code === 0 ? await this.#serve(last) : before;
  }

  /** Executes TypeScript as Node does: a script in the clone, or a file of its own as a broker would load it. */
  async execute(code: string, title: string | undefined): Promise<Outcome> {
    if (title === undefined) {
      await this.#assertServed();
      return this.#spawn("node", [this.write("secret-broker/snippet.ts", code)]);
    }
    const path = this.write(title, code);
    if (path.includes(".test.")) return this.#spawn("node", ["--test", path]);
    const script = `
      const { registerDoors } = await import(${JSON.stringify(`${root}dist/managers/module/register-doors.js`)});
      const { doors } = await import(${JSON.stringify(`${root}dist/app/doors.js`)});
      registerDoors(doors);
      for (const exported of Object.values(await import(${JSON.stringify(path)}))) new exported();`;
    return this.#spawn("node", ["--input-type=module", "-e", script]);
  }

  async #runHere(shell: "sh" | "bash", script: string): Promise<Outcome> {
    if (script === "") return { code: 0, output: "" };
    await this.#assertServed();
    const options = shell === "bash" ? ["-euo", "pipefail"] : ["-eu"];
    return this.#spawn(shell, [...options, "-c", `exec 2>&1\n${script}`]);
  }

  #clone(): void {
    const clone = join(this.#folder, "secret-broker");
    const mine = join(this.#folder, "my-broker");
    const bin = join(this.#folder, "bin");
    for (const folder of [clone, bin, join(mine, "node_modules")]) mkdirSync(folder, { recursive: true });
    const linked = ["dist", "node_modules", "scripts", "proto", "third_party", "buf.yaml"];
    for (const name of linked) symlinkSync(join(root, name), join(clone, name));
    mkdirSync(join(this.#folder, "my-proxy"));
    symlinkSync(litellmFolder, join(this.#folder, "my-proxy/venv"));
    symlinkSync(clone, join(mine, "node_modules", "secret-broker"));
    cpSync(join(root, "package.json"), join(clone, "package.json"));
    const isOurs = (path: string): boolean => !path.includes(".secret-broker");
    cpSync(join(root, "examples"), join(clone, "examples"), { recursive: true, filter: isOurs });
    const config = join(clone, "examples/quickstart/config.yaml");
    this.write("secret-broker/examples/quickstart/config.yaml", readFileSync(config, "utf8"));
    const command = this.write("bin/secret-broker", `#!/bin/sh\nexec node ${root}dist/main.js "$@"`);
    chmodSync(command, 0o755);
  }

  #spawn(program: string, parameters: readonly string[]): Outcome {
    const options = {
      cwd: join(this.#folder, "secret-broker"),
      env: this.#environment(),
      encoding: "utf8",
      timeout: this.#longestMs,
    } as const;
    const { status, stdout, stderr } = spawnSync(program, parameters, { ...options, input: "" });
    // npm's remarks on the machine it runs on are not what a document shows.
    return { code: status, output: `${stdout}${stderr}`.replaceAll(/^npm warn .*\n/gmu, "") };
  }

  #environment(): NodeJS.ProcessEnv {
    const { HOME = "", PATH = "" } = process.env;
    const own = [join(this.#folder, "bin"), join(root, "node_modules/.bin"), ...peerFolders];
    return {
      HOME,
      PATH: [...own, PATH].join(delimiter),
      SECRET_BROKER_ADDRESS: this.adapt("127.0.0.1:50051"),
      // LiteLLM must not ask anybody for prices.
      LITELLM_LOCAL_MODEL_COST_MAP: "True",
      // npm must not ask anybody for news.
      npm_config_offline: "true",
      npm_config_update_notifier: "false",
    };
  }

  async #assertServed(): Promise<void> {
    if (this.#server === undefined) await this.#serve(quickStart);
  }

  async #serve(command: string): Promise<Outcome> {
    await this.#stop();
    // The lines to try come in one piece with what stands before them.
    const { server, outcome } = await this.#start(command, (output) => output.includes("; try:"));
    if (server.child.exitCode === null) this.#server = server;
    return outcome;
  }

  async #serveBeside(command: string): Promise<Outcome> {
    await this.#assertServed();
    await stopServer(this.#beside);
    const { server, outcome } = await this.#start(command, (output) => besidesServes.test(output));
    this.#beside = server;
    return outcome;
  }

  async #start(command: string, serves: (output: string) => boolean): Promise<{ server: Server; outcome: Outcome }> {
    const cwd = join(this.#folder, "secret-broker");
    // In a process group of its own, as npm does not pass every signal on.
    const child = spawn("sh", ["-c", command], { cwd, env: this.#environment(), detached: true });
    const closed = once(child, "close");
    let output = "";
    const served = new Promise<void>((resolve) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => {
          output += text;
          if (serves(output)) resolve();
        });
      }
    });
    await Promise.race([served, closed]);
    return { server: { child, closed }, outcome: { code: child.exitCode ?? 0, output } };
  }

  async #stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await stopServer(server);
  }
}

async function stopServer(server: Server | undefined): Promise<void> {
  if (server?.child.pid === undefined || server.child.exitCode !== null) return;
  process.kill(-server.child.pid, "SIGTERM");
  await server.closed;
}

/** A configuration that says where it listens, so that it can be told to listen elsewhere. */
function withAddresses(text: string): string {
  const document = parseDocument(text);
  const defaults: readonly (readonly [readonly string[], string])[] = [
    [["secret_broker", "listen"], "127.0.0.1:50051"],
    [["secret_broker", "admin", "listen"], "127.0.0.1:50052"],
  ];
  for (const [path, address] of defaults) if (!document.hasIn(path)) document.setIn(path, address);
  return document.toString();
}

/** The commands of a block that are executed here, those joined by `&&` one by one. */
function commandsOf(code: string): readonly string[] {
  return withoutSkipped(code)
    .split(/\n|&&/u)
    .map((command) => command.trim())
    .filter((command) => command !== "" && !command.startsWith("#"));
}

/** A block without the commands that are proved elsewhere. */
function withoutSkipped(code: string): string {
  const lines = code.replaceAll(/\\\n\s*/gu, "").split("\n");
  const kept = lines.map((line) =>
    line
      .split("&&")
      .filter((part) => !isSkipped(part.trim()))
      .join("&&")
      .trim(),
  );
  return kept.filter((line) => line !== "").join("\n");
}

function isSkipped(command: string): boolean {
  return (
    (provedByCi as readonly string[]).includes(command) || [...notExecuted.keys()].some((each) => each.test(command))
  );
}
