import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SyslogTarget } from "../../src/audit/syslog-target.js";
import { createAuditVerifierOf } from "../../src/audit/audit-key.js";
import { ChainVerifier } from "../../src/audit/verify-chain.js";
import { auditKey, openChain } from "./open-chain.js";

/** A daemon that takes messages with their length before them. */
class Daemon {
  readonly messages: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      let pending: Buffer = Buffer.alloc(0);
      socket.on("data", (chunk) => {
        pending = this.#take(Buffer.concat([pending, chunk]));
      });
    });
  }

  static async listen(path: string): Promise<Daemon> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(path, resolve);
    });
    return new Daemon(server);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(pending: Buffer): Buffer {
    for (;;) {
      const space = pending.indexOf(" ");
      const length = Number(pending.subarray(0, Math.max(space, 0)).toString());
      if (space === -1 || pending.length < space + 1 + length) return pending;
      this.messages.push(pending.subarray(space + 1, space + 1 + length).toString());
      pending = pending.subarray(space + 1 + length);
    }
  }
}

const header = /^<110>1 \d{4}-\d\d-\d\dT[\d:.]+Z \S+ secret-broker \d+ (record|chain) - /u;

let folder = "";
let path = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "syslog-"));
  path = join(folder, "log");
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe("a syslog target", () => {
  it("sends each line as a message of its own, and together they can be verified", async () => {
    const daemon = await Daemon.listen(path);
    const { sink } = await openChain("", { target: new SyslogTarget({ path }) });
    await sink.write(Buffer.from('{"time":"t","name":"gr\u00fc\u00dfe"}\n{"time":"t","name":"b"}\n'));
    await sink.close();
    await expect.poll(() => daemon.messages.length).toBe(4);
    expect(daemon.messages.map((message) => header.exec(message)?.[1])).toEqual(["chain", "record", "record", "chain"]);
    const following = new ChainVerifier(createAuditVerifierOf(auditKey), sink.position.end);
    for (const [index, message] of daemon.messages.entries()) {
      following.take(Buffer.from(message.replace(header, "")), { file: "syslog", line: index + 1 });
    }
    expect(following.finish()).toMatchObject({ faults: [], records: 2, unsigned: 0 });
    await daemon.stop();
  });

  it("fails while the daemon is gone, and begins a chain with the next one", async () => {
    const daemon = await Daemon.listen(path);
    const { sink, findings } = await openChain("", { target: new SyslogTarget({ path }) });
    await daemon.stop();
    await expect.poll(() => sink.tend().then(String, () => "failed"), { timeout: 5_000 }).toBe("failed");
    await expect(sink.write(Buffer.from("{}\n"))).rejects.toThrow();
    expect(findings.every(({ isLoss }) => !isLoss)).toBe(true);
    const next = await Daemon.listen(path);
    await sink.tend();
    await sink.write(Buffer.from('{"time":"t"}\n'));
    await expect.poll(() => next.messages.length).toBe(2);
    expect(next.messages[0]).toContain('"link":1,');
    await sink.close();
    await next.stop();
  });

  it("cannot be opened where nobody listens", async () => {
    await expect(openChain("", { target: new SyslogTarget({ path }) })).rejects.toThrow("ENOENT");
    await expect(openChain("", { target: new SyslogTarget({ host: "127.0.0.1", port: 1 }) })).rejects.toThrow(
      "ECONNREFUSED",
    );
  });
});
