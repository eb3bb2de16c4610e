import { describe, expect, it } from "vitest";
import { SteadyClock } from "../../../src/client/store/store-clock.js";
import { untilAllAreHeld } from "../../../src/client/store/store-start.js";
import { SecretError } from "../../../src/domain/secret-error.js";

const notFound = SecretError.notFound("GONE");

/** A start whose first question is answered so, and whose second comes to no end in time. */
async function start(first: () => Promise<void>, isKnownAbsent: boolean): Promise<void> {
  let asked = 0;
  await untilAllAreHeld({
    names: new Set(["GONE"]),
    timeoutMs: 200,
    shelf: {
      find: () => undefined,
      absenceOf: () => (isKnownAbsent ? { error: notFound, knownAtMs: 0 } : undefined),
    },
    refresh: {
      refresh: async () => {
        asked += 1;
        await (asked === 1 ? first() : new Promise(() => undefined));
      },
    },
    clock: new SteadyClock(),
    random: () => 0,
    signal: new AbortController().signal,
  });
}

describe("a start whose last question is not answered in time", () => {
  it("says what the broker said before", async () => {
    await expect(start(() => Promise.resolve(), true)).rejects.toMatchObject({
      reason: "SECRET_NOT_FOUND",
      message: '1 of 1 secrets were not there within 200 ms: "GONE" (SECRET_NOT_FOUND)',
    });
  });

  it("says why the broker could not be asked before", async () => {
    const away = new SecretError("MANAGER_UNAVAILABLE", "away");
    await expect(start(() => Promise.reject(away), false)).rejects.toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
      message: '1 of 1 secrets were not there within 200 ms: "GONE" (MANAGER_UNAVAILABLE)',
    });
  });

  it("says that the time is over where it was the only one", async () => {
    await expect(start(() => new Promise(() => undefined), false)).rejects.toMatchObject({
      reason: "MANAGER_TIMEOUT",
      message: '1 of 1 secrets were not there within 200 ms: "GONE" (MANAGER_TIMEOUT)',
    });
  });
});
