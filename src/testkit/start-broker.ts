import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { startBrokerProcess } from "../app/start-broker-process.js";

/** What a broker for tests is started with. */
export interface StartBrokerOptions {
  /** The text of config.yaml; without it a memory manager that may be read and written. */
  readonly config?: string;
  /** Files to put beside config.yaml: name → text. */
  readonly files?: Readonly<Record<string, string>>;
  /** Replaces the addresses; a loopback port the system chooses and a Unix socket when left out. */
  readonly listen?: readonly string[];
}

/** A broker for tests, in this process. */
export interface TestBroker {
  /** Its loopback address. */
  readonly address: string;
  /** Every address it listens on, in the order of the configuration. */
  readonly addresses: readonly string[];
  /** Its Unix socket, as a client dials it. */
  readonly socket: string;
  /** Where metrics and health are; undefined when the configuration switches them off. */
  readonly adminAddress: string | undefined;
  /** The folder config.yaml lies in. */
  readonly directory: string;
  /** The file the default configuration's audit records go to. */
  readonly auditFile: string;
  /** Stops it and removes its folder. */
  stop(): Promise<void>;
}

const defaultConfig = `
general_settings:
  key_management_settings:
    access_mode: read_and_write
secret_broker:
  manager: { kind: memory }
  admin: { listen: "127.0.0.1:0" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
`;

/** Starts a real broker in a folder of its own under the system's temporary one. */
export async function startBroker(options: StartBrokerOptions = {}): Promise<TestBroker> {
  const directory = await mkdtemp(join(tmpdir(), "secret-broker-"));
  const socket = `unix:${join(directory, "broker.sock")}`;
  const files = { "config.yaml": options.config ?? defaultConfig, ...options.files };
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(directory, name), text)));
  const broker = await startBrokerProcess({
    configFile: join(directory, "config.yaml"),
    listen: options.listen ?? ["127.0.0.1:0", socket],
    detailedDebug: false,
    stderr: new PassThrough().resume(),
  });
  const [address = ""] = broker.addresses;
  return {
    address,
    addresses: broker.addresses,
    socket,
    adminAddress: broker.adminAddress,
    directory,
    auditFile: join(directory, "audit.jsonl"),
    stop: async () => {
      await broker.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
