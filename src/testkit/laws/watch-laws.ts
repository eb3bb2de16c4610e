import assert from "node:assert/strict";
import type { WatchEvent } from "../../contract/secret-manager.js";
import { isSecretError } from "../../domain/secret-error.js";
import type { LawDefinition } from "../law.js";
import type { ManagerProbe } from "../manager-probe.js";
import { type Watching, watching } from "../watching.js";

/** What holds for a manager that tells of changes. */
export const watchLaws: readonly LawDefinition[] = [
  {
    name: "tells of nothing that is there already when it is watched from now on, and says so at once",
    needs: ["write", "watch"],
    async check(probe) {
      await probe.write("BEFORE", "value");
      await watching(probe, undefined, async (watch) => {
        assert.deepEqual(shortOf(await watch.untilSynced()), ["synced"]);
      });
    },
  },
  {
    name: "tells of every write and deletion, and of nothing else",
    needs: ["write", "delete", "watch"],
    async check(probe) {
      await probe.write("B", "old");
      await watching(probe, undefined, async (watch) => {
        await watch.untilSynced();
        await probe.write("A", "one");
        await probe.write("B", "two");
        await probe.read("A");
        await probe.delete("B");
        await probe.delete("NEVER_THERE");
        await probe.write("LAST", "three");
        const names = new Set((await watch.untilChanged("LAST")).flatMap(namesOf));
        assert.deepEqual(names, new Set(["A", "B", "LAST"]));
      });
    },
  },
  {
    name: "tells after a change what has become of the secret",
    needs: ["write", "delete", "watch"],
    async check(probe) {
      await watching(probe, undefined, async (watch) => {
        await watch.untilSynced();
        await probe.write("A", "one");
        assert.equal((await watch.untilChanged("A")).at(-1)?.kind, "changed");
        await probe.delete("A");
        assert.equal((await watch.untilChanged("A")).at(-1)?.kind, "removed");
      });
    },
  },
  {
    name: "begins with everything that is there when it is watched from the beginning",
    needs: ["write", "delete", "watch"],
    async check(probe) {
      for (const name of ["A", "B", "C"]) await probe.write(name, "value");
      await probe.delete("B");
      await watching(probe, 0n, async (watch) => {
        const told = (await watch.untilSynced()).filter(({ kind }) => kind === "changed");
        assert.deepEqual(told.flatMap(namesOf).toSorted(), ["A", "C"]);
      });
    },
  },
  {
    name: "goes on where another watch ended, without a loss",
    needs: ["write", "delete", "watch"],
    async check(probe) {
      const since = await revisionAfter(probe, "A");
      // Without revisions nothing can be resumed, and everything is told anew.
      if (since === 0n) return;
      await probe.write("B", "value");
      await probe.delete("A");
      await watching(probe, since, async (watch) => {
        const told = await watch.untilSynced();
        assert.deepEqual(new Set(told.flatMap(namesOf)), new Set(["A", "B"]));
      });
    },
  },
  {
    name: "says that it does not know what came after a revision that is yet to come",
    needs: ["write", "watch"],
    async check(probe) {
      const since = await revisionAfter(probe, "A");
      if (since === 0n) return;
      await assert.rejects(
        watching(probe, since + 1_000_000n, (watch) => watch.untilSynced()),
        (thrown) => isSecretError(thrown) && thrown.reason === "REVISION_COMPACTED",
      );
    },
  },
  {
    name: "tells of revisions that never fall",
    needs: ["write", "watch"],
    async check(probe) {
      await watching(probe, 0n, async (watch) => {
        await watch.untilSynced();
        await Promise.all(Array.from({ length: 20 }, (_, index) => probe.write(`N${String(index)}`, "value")));
        await probe.write("LAST", "value");
        await watch.untilChanged("LAST");
        const revisions = watch.told.map(({ revision }) => revision);
        assert.deepEqual(revisions, revisions.toSorted(byValue));
      });
    },
  },
  {
    name: "ends a watch when its caller goes away, and goes on with the others",
    needs: ["write", "watch"],
    async check(probe) {
      await watching(probe, undefined, async (other) => {
        await other.untilSynced();
        await watching(probe, undefined, (watch) => watch.untilSynced());
        await probe.write("A", "value");
        await other.untilChanged("A");
      });
    },
  },
];

/** The revision a secret has been told with. */
async function revisionAfter(probe: ManagerProbe, name: string): Promise<bigint> {
  let revision = 0n;
  await watching(probe, undefined, async (watch: Watching) => {
    await watch.untilSynced();
    await probe.write(name, "value");
    revision = (await watch.untilChanged(name)).at(-1)?.revision ?? 0n;
  });
  return revision;
}

function namesOf(event: WatchEvent): string[] {
  return "secret" in event ? [event.secret.name] : [];
}

function shortOf(events: readonly WatchEvent[]): string[] {
  return events.map(({ kind }) => kind);
}

function byValue(one: bigint, other: bigint): number {
  return Number(one - other);
}
