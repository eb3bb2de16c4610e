import { describe, expect, it } from "vitest";
import { createLog } from "../../src/log/create-log.js";
import { findLeaks, plantCanaries } from "../../src/testkit/index.js";

function kept(level: string): { log: ReturnType<typeof createLog>; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const log = createLog(level, { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) });
  return { log, lines };
}

describe("createLog", () => {
  it("writes facts and message as one line, without host, process or environment", () => {
    const { log, lines } = kept("info");
    log.info({ requestId: "r", names: ["a", "b"], healthy: true, missing: undefined }, "it happened");
    expect(lines).toEqual([
      {
        level: "info",
        time: expect.any(String) as string,
        requestId: "r",
        names: ["a", "b"],
        healthy: true,
        msg: "it happened",
      },
    ]);
  });

  it("writes at its level and above, and follows a change of it", () => {
    const { log, lines } = kept("warn");
    const all = (): void => {
      for (const level of ["error", "warn", "info", "debug"] as const) log[level]({}, level);
    };
    all();
    expect(lines.map(({ msg }) => msg)).toEqual(["error", "warn"]);
    log.setLevel("debug");
    all();
    expect(lines.slice(2).map(({ msg }) => msg)).toEqual(["error", "warn", "info", "debug"]);
  });

  it("writes a failure's type, code and causes", () => {
    const { log, lines } = kept("info");
    const cause = Object.assign(new Error("permission denied"), { code: "EACCES" });
    log.error({}, "it failed", { thrown: new TypeError("cannot open", { cause }) });
    expect(lines[0]?.["err"]).toMatchObject({
      type: "TypeError",
      message: "cannot open",
      cause: { type: "Error", message: "permission denied", code: "EACCES" },
    });
  });

  it("prints no object that was thrown, at the lowest level either", () => {
    const canaries = plantCanaries();
    const { log, lines } = kept("trace");
    const { text, json, bytes } = canaries;
    const thrown = [
      canaries,
      text,
      bytes,
      Buffer.from(text),
      [json],
      new Map([[text, json]]),
      { toJSON: () => text, toString: () => text, [Symbol.toPrimitive]: () => text },
      Object.assign(new Error(text), { config: { headers: { authorization: json } }, toJSON: () => ({ text }) }),
      new AggregateError([text], json),
    ];
    for (const each of thrown) log.debug({ requestId: "r" }, "it failed", { thrown: each });
    expect(lines).toHaveLength(thrown.length);
    expect(findLeaks(JSON.stringify(lines), canaries)).toEqual([]);
  });
});
