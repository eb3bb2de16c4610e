import { describe, expect, it, vi } from "vitest";
import type { SecretShelf } from "../../../src/client/store/secret-shelf.js";
import type { SecretSource } from "../../../src/client/store/store-source.js";
import { StoreWatcher } from "../../../src/client/store/store-watcher.js";
import type { SecretError } from "../../../src/domain/secret-error.js";
import { SimulatedClock } from "./simulated-clock.js";

describe("a watcher whose source cannot even begin", () => {
  it("tells of it and asks again later", async () => {
    const clock = new SimulatedClock();
    const watchSecrets = vi.fn(() => {
      throw new Error("the source is broken");
    });
    const problems: SecretError[] = [];
    const watcher = new StoreWatcher({
      source: { watchSecrets } as unknown as SecretSource,
      shelf: { held: new Set(), unwatch: () => undefined } as unknown as SecretShelf,
      clock,
      random: () => 0.5,
      onProblem: (problem) => problems.push(problem),
    });
    watcher.start(["A"]);
    await vi.waitFor(() => {
      expect(problems).toHaveLength(1);
    });
    expect(problems[0]).toMatchObject({ reason: "INTERNAL_ERROR" });
    await clock.advance(60_000);
    expect(watchSecrets.mock.calls.length).toBeGreaterThan(1);
    watcher.close();
  });
});
