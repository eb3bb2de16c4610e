import { createWriteStream, existsSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { adviceByReason } from "../../src/cli/advice-by-reason.js";
import { exitCodeByReason } from "../../src/cli/exit-codes.js";
import { runCli } from "../../src/cli/run-cli.js";
import { SecretError, type SecretErrorReason, secretErrorReasons } from "../../src/domain/secret-error.js";
import { type MapBroker, startMapBroker } from "../client/map-broker.js";
import { run } from "./run-in-process.js";

const brokers: MapBroker[] = [];
afterEach(() => {
  for (const broker of brokers.splice(0)) broker.stop();
});

async function failingBroker(thrown: unknown): Promise<string> {
  const broker = await startMapBroker({
    read: () => {
      throw thrown;
    },
  });
  brokers.push(broker);
  return broker.address;
}

describe("a broker's failure", () => {
  it.each(secretErrorReasons.map((reason): [SecretErrorReason] => [reason]))(
    "ends with the exit code of %s and says what to do",
    async (reason) => {
      const address = await failingBroker(new SecretError(reason, "what went wrong"));
      const { code, stdout, stderr } = await run(["read", "X", "--address", address]);
      expect({ code, stdout }).toEqual({ code: exitCodeByReason[reason], stdout: "" });
      expect(stderr).toBe(
        `secret-broker: what went wrong (${reason})\n  ${adviceByReason[reason]}\n  request id: request-1\n`,
      );
    },
  );

  it("is one JSON document on standard error when JSON was asked for", async () => {
    const address = await failingBroker(new SecretError("POLICY_DENIED", "not allowed"));
    const { code, stdout, stderr } = await run(["read", "X", "--json", "--address", address]);
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(JSON.parse(stderr)).toMatchObject({
      error: { reason: "POLICY_DENIED", message: "not allowed", code: 4, requestId: "request-1" },
    });
  });

  it("cannot steer the terminal", async () => {
    const address = await failingBroker(new SecretError("POLICY_DENIED", "a\u001b[2Jb\rc\nd"));
    const { stderr } = await run(["read", "X", "--address", address]);
    expect(stderr).toContain("a\\u001b[2Jb\\u000dc\\u000ad");
  });

  it("shows where it came from only when asked to", async () => {
    const address = await failingBroker(new SecretError("POLICY_DENIED", "not allowed"));
    expect((await run(["read", "X", "--address", address])).stderr).not.toContain("    at ");
    expect((await run(["read", "X", "--address", address, "--debug"])).stderr).toContain("    at ");
  });
});

describe("a broker that does not answer", () => {
  it("is named, with what starts one, and ends with 5", async () => {
    const { code, stderr } = await run(["read", "X", "--address", "127.0.0.1:1"]);
    expect(code).toBe(5);
    expect(stderr).toContain('the broker at "127.0.0.1:1" could not be reached; "secret-broker serve" starts one');
  });

  it("is waited for as long as --timeout says, and ends with 5", async () => {
    const broker = await startMapBroker({ read: () => new Promise(() => undefined) });
    brokers.push(broker);
    const { code, stderr } = await run(["read", "X", "--address", broker.address, "--timeout", "200ms"]);
    expect(code).toBe(5);
    expect(stderr).toContain("did not answer within 200 ms");
  });
});

describe("standard output that cannot be written", () => {
  it.skipIf(!existsSync("/dev/full"))("is said to be so", async () => {
    const broker = await startMapBroker();
    brokers.push(broker);
    await run(["write", "X", "--address", broker.address], { stdin: "value" });
    const full = createWriteStream("/dev/full");
    const errors: string[] = [];
    const code = await runCli(["get", "X", "--address", broker.address], {
      stdin: Readable.from([]),
      stdout: full,
      stderr: new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          errors.push(chunk.toString());
          done();
        },
      }),
      env: {},
    });
    full.destroy();
    const message = "secret-broker: standard output cannot be written (ENOSPC) (ACTION_FAILED)\n";
    expect({ code, errors }).toEqual({ code: 1, errors: [message] });
  });
});

describe("a reader that goes away", () => {
  it("ends the command quietly", async () => {
    const broker = await startMapBroker();
    brokers.push(broker);
    await run(["write", "X", "--address", broker.address], { stdin: "value" });
    const errors: string[] = [];
    const code = await runCli(["read", "X", "--address", broker.address], {
      stdin: Readable.from([]),
      stdout: brokenPipe(),
      stderr: new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          errors.push(chunk.toString());
          done();
        },
      }),
      env: {},
    });
    expect({ code, errors }).toEqual({ code: 0, errors: [] });
  });

  it("ends the command with its exit code when nobody reads its errors", async () => {
    const code = await runCli(["read"], {
      stdin: Readable.from([]),
      stdout: brokenPipe(),
      stderr: brokenPipe(),
      env: {},
    });
    expect(code).not.toBe(0);
  });
});

function brokenPipe(): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) => {
      done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    },
  });
}
