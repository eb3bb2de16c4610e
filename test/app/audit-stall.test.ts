import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { constants, mkdtempSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { RpcCaller } from "./call-rpc.js";

/** Something that takes records until it is told to stall. */
interface Peer {
  /** The section that sends records there. */
  readonly audit: string;
  stall(): void;
  goOn(): void;
  end(): Promise<void>;
}

const run = promisify(execFile);

let folder = "";
let broker: TestBroker | undefined;
let peer: Peer | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stall-"));
});

afterEach(async () => {
  // What hangs in the system keeps a broker from its end.
  peer?.goOn();
  await broker?.stop();
  await peer?.end();
  await rm(folder, { recursive: true });
});

/** A daemon in a process of its own, which can be stopped in the middle. */
async function syslogDaemon(): Promise<Peer> {
  const path = join(folder, "log");
  const program = `require("node:net").createServer((socket) => socket.resume()).listen(process.argv[1], () => console.log("up"))`;
  const daemon: ChildProcess = spawn(process.execPath, ["-e", program, path], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve) => daemon.stdout?.once("data", resolve));
  return {
    audit: `{ sinks: [{ kind: syslog, address: "unix:${path}", deadline: 200ms }] }`,
    stall: () => daemon.kill("SIGSTOP"),
    goOn: () => daemon.kill("SIGCONT"),
    end: async () => {
      const ended = new Promise((resolve) => daemon.once("exit", resolve));
      daemon.kill("SIGKILL");
      await ended;
    },
  };
}

/** A named pipe whose reader may stop to read. */
async function namedPipe(): Promise<Peer> {
  const path = join(folder, "pipe");
  await run("mkfifo", [path]);
  const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  let [isReading, isOpen] = [true, true];
  const read = async (): Promise<void> => {
    while (isOpen) {
      if (isReading) await reader.read(Buffer.alloc(65_536), 0, 65_536).catch(() => undefined);
      await wait(5);
    }
    await reader.close();
  };
  const ended = read();
  return {
    audit: `{ sinks: [{ kind: file, path: "${path}", deadline: 200ms }] }`,
    stall: () => {
      isReading = false;
    },
    goOn: () => {
      isReading = true;
    },
    end: async () => {
      isOpen = false;
      await ended;
    },
  };
}

/** A file as one of several places. */
async function listedFile(): Promise<Peer> {
  return await localDisk((path) => `{ sinks: [{ kind: file, path: "${path}", deadline: 200ms }] }`);
}

/** A file as most have it. */
async function onlyFile(): Promise<Peer> {
  return await localDisk((path) => `{ sink: file, path: "${path}" }`);
}

/** A file system on this machine's own disk, which is frozen as for a snapshot of its volume: what writes to it hangs. */
async function localDisk(auditOf: (path: string) => string): Promise<Peer> {
  const [image, disk] = [join(folder, "image"), join(folder, "disk")];
  await mkdir(disk);
  await run("truncate", ["--size", "16M", image]);
  await run("mkfs.ext4", ["-q", image]);
  await run("mount", ["-o", "loop", image, disk]);
  // Nothing in this process could thaw it if the broker's own thread hung.
  const thaw = `sleep 40; fsfreeze --unfreeze ${disk}`;
  let watchdog: ChildProcess | undefined;
  return {
    audit: auditOf(`${disk}/audit.jsonl`),
    stall: () => {
      watchdog = spawn("sh", ["-c", thaw], { stdio: "ignore", detached: true });
      execFileSync("fsfreeze", ["--freeze", disk]);
    },
    goOn: () => {
      spawnSync("fsfreeze", ["--unfreeze", disk], { stdio: "ignore" });
    },
    end: async () => {
      if (watchdog?.pid !== undefined) process.kill(-watchdog.pid, "SIGKILL");
      await run("umount", [disk]);
    },
  };
}

/** Whether this process may mount a file system here, as few users and containers may. */
function canMount(): boolean {
  const probe = mkdtempSync(join(tmpdir(), "mount-"));
  const script = `truncate --size 16M "$0/image" && mkfs.ext4 -q "$0/image" && mkdir "$0/disk" &&
    mount -o loop "$0/image" "$0/disk" && fsfreeze --freeze "$0/disk" && fsfreeze --unfreeze "$0/disk" && umount "$0/disk"`;
  const { status } = spawnSync("sh", ["-c", script, probe], { stdio: "ignore" });
  if (status === 0) rmSync(probe, { recursive: true });
  return status === 0;
}

async function readiness({ adminAddress = "" }: TestBroker): Promise<number> {
  return (await fetch(`http://${adminAddress}/readyz`)).status;
}

describe("a broker whose required audit sink stalls", () => {
  it.for([
    ["a syslog daemon that is stopped", syslogDaemon],
    ["a named pipe that nobody reads any more", namedPipe],
    ["a local disk that hangs, in a list", listedFile],
    ["a local disk that hangs, alone", onlyFile],
  ] as const)(
    "refuses calls, is not ready, and goes on by itself: %s",
    { timeout: 60_000 },
    async ([, begin], { skip }) => {
      if ((begin === listedFile || begin === onlyFile) && !canMount()) skip("needs a user who may mount a file system");
      peer = await begin();
      const started = await startBroker({
        config: `
general_settings: { key_management_settings: { access_mode: read_only } }
secret_broker:
  manager: { kind: memory }
  admin: { listen: "127.0.0.1:0" }
  audit: ${peer.audit}
  log: { level: error }
`,
      });
      broker = started;
      const caller = new RpcCaller(started.address);
      const read = async (): Promise<string | undefined> => (await caller.call("ReadSecret", { name: "KEY" })).reason;
      expect(await read()).toBe("SECRET_NOT_FOUND");
      expect(await readiness(started)).toBe(200);

      peer.stall();
      // Every call ends, one way or the other, until what lies between is full.
      const reasons = new Set<string | undefined>();
      for (let round = 0; round < 200 && !reasons.has("AUDIT_UNAVAILABLE"); round += 1) {
        for (const reason of await Promise.all(Array.from({ length: 50 }, read))) reasons.add(reason);
      }
      expect(reasons).toContain("AUDIT_UNAVAILABLE");
      expect(["AUDIT_UNAVAILABLE", "SECRET_NOT_FOUND"]).toEqual(expect.arrayContaining([...reasons]));
      expect(await read()).toBe("AUDIT_UNAVAILABLE");
      expect(await readiness(started)).toBe(503);

      peer.goOn();
      await expect.poll(() => readiness(started), { timeout: 30_000 }).toBe(200);
      expect(await read()).toBe("SECRET_NOT_FOUND");
      caller.close();
    },
  );

  it("stops also while it stalls", { timeout: 60_000 }, async () => {
    peer = await namedPipe();
    const config = `
general_settings: { key_management_settings: { access_mode: read_only } }
secret_broker:
  manager: { kind: memory }
  admin: { listen: "127.0.0.1:0" }
  audit: ${peer.audit}
  log: { level: error }
`;
    const started = await startBroker({ config });
    const caller = new RpcCaller(started.address);
    peer.stall();
    let reason: string | undefined;
    for (let call = 0; call < 2_000 && reason !== "AUDIT_UNAVAILABLE"; call += 1) {
      ({ reason } = await caller.call("ReadSecret", { name: "KEY" }));
    }
    expect(reason).toBe("AUDIT_UNAVAILABLE");
    caller.close();
    await expect(started.stop()).resolves.toBeUndefined();
  });
});
