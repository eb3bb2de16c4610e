import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openTestStore, TestClock } from "./open-test-store.js";
import { storeCall } from "./store-call.js";

it("brings back what was deleted last, also within one millisecond and when the clock is set back", async () => {
  const directory = await mkdtemp(join(tmpdir(), "restoring-"));
  const clock = new TestClock(Date.UTC(2026, 0, 1));
  const store = await openTestStore(join(directory, "secrets.db"), { clocks: clock });
  onTestFinished(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });
  for (let life = 1; life <= 20; life += 1) {
    await store.writeSecret("KEY", `life ${String(life)}`, {}, storeCall());
    await store.deleteSecret("KEY", { recoveryWindowInDays: 7 }, storeCall());
    if (life === 10) clock.step(-3_600_000);
    await store.restoreSecret("KEY", {}, storeCall());
    expect(await store.readSecret("KEY")).toMatchObject({ value: `life ${String(life)}` });
    await store.deleteSecret("KEY", { recoveryWindowInDays: 7 }, storeCall());
  }
});
