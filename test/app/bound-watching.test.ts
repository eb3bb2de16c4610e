import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openSecretStore } from "../../src/client/index.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { Watcher } from "../server/watcher.js";

/** Places where secrets are, each with values of its own; the class tells of changes in the default one only. */
const places = `
export class Polled {
  readSecret(name, { options }) {
    asked.push((options.place ?? "default") + " " + name);
    return values.get((options.place ?? "default") + " " + name);
  }
}
export class Telling extends Polled {
  async *watchSecrets(after, { signal }) {
    yield { kind: "synced", revision: 1n };
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
}
const { values, asked } = globalThis[Symbol.for("test.bound-watching")];
`;

interface Places {
  readonly values: Map<string, { readonly value: string; readonly version: number }>;
  /** Every place and name that was asked for. */
  readonly asked: string[];
}

function openPlaces(): Places {
  const opened: Places = { values: new Map(), asked: [] };
  Object.assign(globalThis, { [Symbol.for("test.bound-watching")]: opened });
  return opened;
}

const configOf = (kind: string, bound: string): string => `
general_settings: { key_management_settings: { access_mode: read_only } }
secret_broker:
  manager: { kind: module, class: places.${kind} }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  timeouts: { watch_poll: 100ms, watch_heartbeat: 100ms, drain: 1s }
  principals: [{ principal: local, options: { place: ${bound} } }]
`;

async function start(kind: string): Promise<TestBroker> {
  const broker = await startBroker({ config: configOf(kind, "team-a"), files: { "places.mjs": places } });
  onTestFinished(() => broker.stop());
  return broker;
}

function watch({ address }: TestBroker): Watcher {
  const watcher = new Watcher(address);
  onTestFinished(() => watcher.leave());
  return watcher;
}

describe.each(["Polled", "Telling"])("a principal with options of its own, of the class %s", (kind) => {
  it("is told what there is in its own place, and every change there", async () => {
    const { values, asked } = openPlaces();
    values.set("default A", { value: "of everybody", version: 1 });
    values.set("team-a A", { value: "a1", version: 1 });
    const broker = await start(kind);
    const watcher = watch(broker).subscribe({ names: ["A", "B"] });
    expect(await watcher.untilSynced()).toEqual(["initial A@1=a1", "synced"]);
    values.set("team-a A", { value: "a2", version: 2 });
    expect(await watcher.until((told) => told.startsWith("change"))).toEqual(["change A@2=a2"]);
    values.set("team-a B", { value: "b1", version: 1 });
    expect(await watcher.until((told) => told.startsWith("change"))).toEqual(["change B@1=b1"]);
    values.delete("team-a A");
    expect(await watcher.until((told) => told.startsWith("removal"))).toEqual(["removal A"]);
    expect(asked.filter((question) => !question.startsWith("team-a "))).toEqual([]);
  });

  it("has a store that follows its own place", async () => {
    const { values } = openPlaces();
    values.set("default A", { value: "of everybody", version: 1 });
    values.set("team-a A", { value: "a1", version: 1 });
    const { address } = await start(kind);
    const store = await openSecretStore({ address, secrets: ["A"] });
    onTestFinished(() => store.close());
    expect(store.get("A")).toBe("a1");
    for (const version of [2, 3, 4]) {
      const value = `a${String(version)}`;
      values.set("team-a A", { value, version });
      await expect.poll(() => store.get("A"), { timeout: 5_000 }).toBe(value);
    }
  });

  it("begins anew once it is bound to another place", async () => {
    const { values } = openPlaces();
    values.set("team-b A", { value: "b1", version: 1 });
    const broker = await start(kind);
    const watcher = new Watcher(broker.address).subscribe({ names: ["A"] });
    await watcher.untilSynced();
    await writeFile(join(broker.directory, "config.yaml"), configOf(kind, "team-b"));
    expect(await watcher.end()).toBe("14 MANAGER_UNAVAILABLE");
    const next = watch(broker).subscribe({ names: ["A"] });
    expect(await next.untilSynced()).toEqual(["initial A@1=b1", "synced"]);
    values.set("team-b A", { value: "b2", version: 2 });
    expect(await next.until((told) => told.startsWith("change"))).toEqual(["change A@2=b2"]);
  });
});
