import { type ChildProcess, execFile, type ExecFileOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "../../free-port.js";
import { programsFolder } from "./postgres-programs.js";

const execute = promisify(execFile);

/** What a test chooses of its server. */
export interface StartPostgresOptions {
  /** Lines of `postgresql.conf`: name → value. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** What clients over TCP need: nothing, which is the default, or a password. */
  readonly authentication?: "trust" | "scram-sha-256" | undefined;
  readonly encoding?: string | undefined;
}

/** The password of the superuser where one is needed. */
export const superuserPassword = "pässword of ? the & superuser";

/** PostgreSQL refuses to run as root; these hold no data of anybody. */
const unprivilegedUsers = ["postgres", "nobody"];

/**
 * A PostgreSQL server of a test's own, with data that survives `stop` and `kill` until `remove`. It writes to the disk
 * before it acknowledges, as in earnest.
 */
export class PostgresServerProcess {
  readonly port: number;
  /** The folder with its socket. */
  readonly socketFolder: string;
  readonly #folder: string;
  readonly #settings: readonly string[];
  readonly #user: ProcessUser | undefined;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number, options: StartPostgresOptions & { user: ProcessUser | undefined }) {
    this.#folder = folder;
    this.socketFolder = folder;
    this.port = port;
    this.#user = options.user;
    const settings = {
      listen_addresses: "127.0.0.1",
      port: String(port),
      unix_socket_directories: folder,
      fsync: "on",
      ...options.settings,
    };
    this.#settings = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  }

  /** Makes a database cluster in a folder of its own and starts its server. */
  static async start(options: StartPostgresOptions = {}): Promise<PostgresServerProcess> {
    return await PostgresServerProcess.#startWith(options, (server) => server.#initialize(options));
  }

  /** Copies a server's cluster and starts a standby that follows it. */
  static async startStandby(primary: PostgresServerProcess): Promise<PostgresServerProcess> {
    return await PostgresServerProcess.#startWith({}, async (server) => {
      const from = ["-h", primary.socketFolder, "-p", String(primary.port), "-U", "admin"];
      const copy = ["-D", server.dataFolder, "--write-recovery-conf", "--checkpoint=fast"];
      await execute(program("pg_basebackup"), [...from, ...copy], server.#processOptions());
    });
  }

  static async #startWith(
    options: StartPostgresOptions,
    initialize: (server: PostgresServerProcess) => Promise<void>,
  ): Promise<PostgresServerProcess> {
    const user = await unprivilegedUser();
    // A short path: that of a socket may have 107 bytes.
    const folder = mkdtempSync("/tmp/sb-pg-");
    if (user !== undefined) chownSync(folder, user.uid, user.gid);
    const server = new PostgresServerProcess(folder, await freePort(), { ...options, user });
    try {
      await initialize(server);
      await server.restart();
      return server;
    } catch (error) {
      await server.remove();
      throw error;
    }
  }

  /** A URL of the superuser, over TCP. */
  url(database = "postgres", query = ""): string {
    return `postgres://admin:${encodeURIComponent(superuserPassword)}@127.0.0.1:${String(this.port)}/${database}${query}`;
  }

  /** Starts the server again on the same data. */
  async restart(): Promise<void> {
    const parameters = ["-D", this.dataFolder, ...this.#settings];
    const child = spawn(program("postgres"), parameters, {
      ...this.#processOptions(),
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = child;
    // A test run that breaks off leaves no server behind.
    const end = (): void => void child.kill("SIGQUIT");
    process.once("exit", end);
    child.once("exit", () => process.off("exit", end));
    let log = "";
    child.stderr.on("data", (chunk: Buffer) => (log = (log + chunk.toString("utf8")).slice(-10_000)));
    for (let attempt = 0; attempt < 300; attempt += 1) {
      if (child.exitCode !== null || child.signalCode !== null) break;
      if (await this.#isReady()) return;
      await delay(50);
    }
    throw new Error(`PostgreSQL did not start:\n${log}`);
  }

  /** Stops it: `SIGTERM` waits for clients, `SIGINT` disconnects them, `SIGKILL` is a crash of all its processes. */
  async stop(signal: "SIGTERM" | "SIGINT" | "SIGKILL" = "SIGINT"): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    const others = signal === "SIGKILL" ? await childrenOf(child.pid) : [];
    for (const pid of [child.pid, ...others]) killIfThere(pid, signal);
    await exited;
  }

  /** Runs SQL as the superuser, each statement by itself; gives what `psql` prints, values after `|`. */
  async sql(text: string, database = "postgres"): Promise<string> {
    const parameters = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", this.#folder, "-p", String(this.port)];
    const { stdout } = await execute(program("psql"), [...parameters, "-U", "admin", "-d", database, "-c", text]);
    return stdout.trim();
  }

  /** Stops it and removes its data. */
  async remove(): Promise<void> {
    await this.stop("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Where its files are. */
  get dataFolder(): string {
    return join(this.#folder, "data");
  }

  async #initialize({ authentication = "trust", encoding = "UTF8" }: StartPostgresOptions): Promise<void> {
    const parameters = ["-D", this.dataFolder, "-U", "admin", "-E", encoding, "--locale=C"];
    const clients = ["--auth-local=trust", `--auth-host=${authentication}`];
    await execute(program("initdb"), [...parameters, ...clients], this.#processOptions());
    if (authentication === "trust") return;
    await this.restart();
    await this.sql(`ALTER ROLE admin PASSWORD '${superuserPassword}'`);
    await this.stop();
  }

  async #isReady(): Promise<boolean> {
    return await this.sql("SELECT 1").then(
      () => true,
      () => false,
    );
  }

  #processOptions(): ExecFileOptions {
    // A folder that the user can enter.
    return { cwd: this.#folder, env: { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" }, ...this.#user };
  }
}

interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
}

async function unprivilegedUser(): Promise<ProcessUser | undefined> {
  if (userInfo().uid !== 0) return undefined;
  for (const name of unprivilegedUsers) {
    const found = await execute("id", [name]).catch(() => undefined);
    const [, uid, gid] = /^uid=(\d+)\S* gid=(\d+)/u.exec(found?.stdout ?? "") ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error("PostgreSQL refuses to run as root, and there is no other user to run it");
}

function program(name: string): string {
  if (programsFolder === undefined) throw new Error("there is no PostgreSQL; scripts/ci/install-peers.sh installs it");
  return join(programsFolder, name);
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  const { stdout } = await execute("ps", ["-o", "pid=", "--ppid", String(pid)]).catch(() => ({ stdout: "" }));
  return stdout.split("\n").filter(Boolean).map(Number);
}

function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself, as the children of a server do.
  }
}
