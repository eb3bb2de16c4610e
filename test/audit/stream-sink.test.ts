import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { AuditLog } from "../../src/audit/audit-log.js";
import { createStreamSink } from "../../src/audit/stream-sink.js";
import { exampleRecord } from "./example-record.js";

const quiet = (): void => undefined;
const log = { error: quiet, warn: quiet, info: quiet, debug: quiet };

describe("a stream sink", () => {
  it("writes lines and leaves the stream open", async () => {
    const stream = new PassThrough();
    const sink = createStreamSink(stream, "stdout");
    await sink.write("one\n");
    await sink.close();
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
    const work = createStreamSink(stream, "stdout")
      .write("one\n")
      .then(() => (written = true));
    const done = await taken.promise;
    await new Promise(setImmediate);
    expect(written).toBe(false);
    done();
    expect(await work).toBe(true);
  });

  it("rejects on a stream that is destroyed, and ends nothing", async () => {
    const stream = new PassThrough();
    const sink = createStreamSink(stream, "stdout");
    stream.destroy(new Error("broken pipe"));
    await expect(sink.write("one\n")).rejects.toThrow();
    await expect(sink.write("two\n")).rejects.toThrow();
  });

  it("makes every call refused once it is gone", async () => {
    const stream = new PassThrough();
    const audit = new AuditLog({ sink: createStreamSink(stream, "stdout"), log });
    await audit.record(exampleRecord(1));
    stream.destroy();
    await expect(audit.record(exampleRecord(2))).rejects.toMatchObject({ reason: "AUDIT_UNAVAILABLE" });
    expect(audit.healthy).toBe(false);
    await audit.close();
  });
});
