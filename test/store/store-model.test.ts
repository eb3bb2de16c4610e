import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import { assertKeepsToModel } from "./keep-to-model.js";
import { openTestStore } from "./open-test-store.js";

/** How many sequences; a long run is `SECRET_BROKER_MODEL_RUNS=10000 npx vitest run test/store/store-model.test.ts`. */
const runs = Number(process.env["SECRET_BROKER_MODEL_RUNS"] ?? "150");

describe("the store against a simple model", () => {
  it("does the same, whatever is done, with restarts and clocks that run", { timeout: 3_600_000 }, async () => {
    await assertKeepsToModel({
      runs,
      make: async () => {
        const directory = await mkdtemp(join(tmpdir(), "store-model-"));
        return {
          open: (clock) => openTestStore(join(directory, "secrets.db"), { clocks: clock }),
          remove: () => rm(directory, { recursive: true }),
        };
      },
    });
  });
});
