import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { AuditLog } from "../../src/audit/audit-log.js";
import { createAuditVerifierOf } from "../../src/audit/audit-key.js";
import { createStreamTarget } from "../../src/audit/stream-target.js";
import { ChainVerifier } from "../../src/audit/verify-chain.js";
import { exampleRecord, requestIdsIn } from "./example-record.js";
import { auditKey, openChain } from "./open-chain.js";

const quiet = (): void => undefined;
const log = { error: quiet, warn: quiet, info: quiet, debug: quiet };

describe("a stream target", () => {
  it("takes lines and leaves the stream open", async () => {
    const stream = new PassThrough();
    const target = createStreamTarget(stream, "stdout");
    expect(await target.open()).toEqual({ end: undefined, torn: undefined });
    await target.append(Buffer.from("one\n"));
    expect([await target.check(), await target.rotate(1)]).toEqual([undefined, false]);
    await target.close();
    expect(String(stream.read())).toBe("one\n");
    expect(stream.writable).toBe(true);
  });

  it("waits until the stream has taken the lines", async () => {
    const taken = Promise.withResolvers<() => void>();
    const stream = new Writable({
      write: (_chunk, _encoding, done) => {
        taken.resolve(done);
      },
    });
    let written = false;
    const work = createStreamTarget(stream, "stdout")
      .append(Buffer.from("one\n"))
      .then(() => (written = true));
    const done = await taken.promise;
    await new Promise(setImmediate);
    expect(written).toBe(false);
    done();
    expect(await work).toBe(true);
  });

  it("rejects on a stream that is destroyed, and ends nothing", async () => {
    const stream = new PassThrough();
    const target = createStreamTarget(stream, "stdout");
    stream.destroy(new Error("broken pipe"));
    await expect(target.append(Buffer.from("one\n"))).rejects.toThrow();
    await expect(target.append(Buffer.from("two\n"))).rejects.toThrow();
  });

  it("makes every call refused once it is gone", async () => {
    const stream = new PassThrough();
    const { sink } = await openChain("", { target: createStreamTarget(stream, "stdout") });
    const audit = new AuditLog({ sink, log });
    await audit.record(exampleRecord(1));
    stream.destroy();
    await expect(audit.record(exampleRecord(2))).rejects.toMatchObject({ reason: "AUDIT_UNAVAILABLE" });
    expect(audit.healthy).toBe(false);
    await audit.close();
  });

  it("has a chain for each start, which whoever collects them can verify", async () => {
    const stream = new PassThrough();
    for (const id of [1, 2]) {
      const { sink } = await openChain("", { target: createStreamTarget(stream, "stdout") });
      await sink.write(Buffer.from(`{"time":"","request_id":"${String(id)}"}\n`));
      await sink.close();
    }
    const text = String(stream.read());
    expect(requestIdsIn(text)).toEqual(["1", "2"]);
    const verifier = new ChainVerifier(createAuditVerifierOf(auditKey));
    for (const [index, line] of text.trimEnd().split("\n").entries()) {
      verifier.take(Buffer.from(line), { file: "collected", line: index + 1 });
    }
    expect(verifier.finish()).toMatchObject({ faults: [], records: 2, unsigned: 0 });
  });
});
