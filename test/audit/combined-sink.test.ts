import { describe, expect, it } from "vitest";
import type { AuditSink } from "../../src/audit/audit-sink.js";
import { CombinedSink } from "../../src/audit/combined-sink.js";
import { OptionalSink, type OptionalSinkEvents } from "../../src/audit/optional-sink.js";

/** A sink that keeps what it is given, and hangs or fails when told to. */
class TestSink implements AuditSink {
  readonly description: string;
  lines = "";
  isClosed = false;
  state: "works" | "hangs" | "fails" = "works";
  readonly #hanging: (() => void)[] = [];

  constructor(description: string) {
    this.description = description;
  }

  async write(lines: Buffer): Promise<void> {
    await this.#ready();
    this.lines += lines.toString();
  }

  async tend(): Promise<void> {
    await this.#ready();
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  /** Ends everything that hangs. */
  release(): void {
    this.state = "works";
    for (const resume of this.#hanging.splice(0)) resume();
  }

  async #ready(): Promise<void> {
    if (this.state === "fails") throw new Error("the disk is full");
    if (this.state === "hangs") {
      await new Promise<void>((resolve) => {
        this.#hanging.push(resolve);
      });
    }
  }
}

const quiet: OptionalSinkEvents = { onState: () => undefined, onMissing: () => undefined };

describe("several audit sinks", () => {
  it("each get everything, and are named together", async () => {
    const [file, table] = [new TestSink("a.jsonl"), new TestSink("the table")];
    const sink = new CombinedSink(
      [file, table].map((each) => ({ sink: each, deadlineMs: 1_000 })),
      [],
    );
    await sink.write(Buffer.from("one\n"));
    await sink.write(Buffer.from("two\n"));
    expect([file.lines, table.lines]).toEqual(["one\ntwo\n", "one\ntwo\n"]);
    expect(sink.description).toBe("a.jsonl, the table");
    await sink.close();
    expect([file.isClosed, table.isClosed]).toEqual([true, true]);
  });

  it("refuse within the deadline of the one that hangs, at once while it still does, and recover when it ends", async () => {
    const [file, table] = [new TestSink("file"), new TestSink("table")];
    const required = [
      { sink: file, deadlineMs: 60_000 },
      { sink: table, deadlineMs: 20 },
    ];
    const sink = new CombinedSink(required, []);
    table.state = "hangs";
    await expect(sink.write(Buffer.from("one\n"))).rejects.toThrow("too slow");
    await expect(sink.write(Buffer.from("two\n"))).rejects.toThrow("still busy");
    await expect(sink.tend()).rejects.toThrow("still busy");
    table.release();
    await expect.poll(() => sink.tend().then(String, () => "busy")).toBe("undefined");
    await sink.write(Buffer.from("three\n"));
    expect(table.lines).toBe("one\nthree\n");
    expect(file.lines).toBe("one\ntwo\nthree\n");
  });

  it("are not held up by one that is not required, which says what it misses", async () => {
    const [file, daemon] = [new TestSink("file"), new TestSink("daemon")];
    const states: { works: boolean; missing: number }[] = [];
    let missing = 0;
    const optional = new OptionalSink(daemon, 20, {
      onState: ({ works, missing: count }) => states.push({ works, missing: count }),
      onMissing: (records) => (missing += records),
    });
    const sink = new CombinedSink([{ sink: file, deadlineMs: 1_000 }], [optional]);
    daemon.state = "hangs";
    await sink.write(Buffer.from("one\ntwo\n"));
    await expect.poll(() => states, { timeout: 5_000 }).toEqual([{ works: false, missing: 0 }]);
    expect(missing).toBe(2);
    await sink.write(Buffer.from("three\n"));
    daemon.release();
    await expect.poll(() => daemon.lines).toBe("one\ntwo\n");
    await sink.tend();
    await expect.poll(() => daemon.lines).toBe("one\ntwo\nthree\n");
    expect(states).toEqual([
      { works: false, missing: 0 },
      { works: true, missing: 2 },
    ]);
    expect(file.lines).toBe("one\ntwo\nthree\n");
    await sink.close();
    expect(daemon.isClosed).toBe(true);
  });

  it("keep only so much for one that is not required", async () => {
    const daemon = new TestSink("daemon");
    let missing = 0;
    daemon.state = "fails";
    const optional = new OptionalSink(daemon, 1_000, { ...quiet, onMissing: (records) => (missing += records) });
    const line = Buffer.from(`${"x".repeat(1024 * 1024 - 1)}\n`);
    for (let count = 0; count < 8; count += 1) {
      optional.offer(line);
      await new Promise(setImmediate);
    }
    // One failed, four wait, the others found no room.
    expect(missing).toBe(4);
    daemon.state = "works";
    await optional.close();
    expect(daemon.lines).toHaveLength(4 * line.length);
  });
});
