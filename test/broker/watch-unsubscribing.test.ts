import { describe, expect, it } from "vitest";
import { nameOf } from "./open-broker.js";
import { A, changed, type Running, watchingA } from "./scripted-watch.js";

describe("what is unsubscribed while it is put on record", () => {
  const unsubscribing = ({ watch: own, sink }: Running): void => {
    sink.onWrite = () => {
      own.unsubscribe({ names: [A], prefixes: [] });
    };
  };
  const recordsOf = ({ sink }: Running): unknown[] =>
    sink.records.map(({ outcome, payload_hash }) => [outcome, payload_hash !== undefined]);

  it("is not sent: of what the watcher had there is no record of a release", async () => {
    const running = await watchingA();
    const { manager, messages, sink, subscribe } = running;
    const before = messages.length;
    sink.text = "";
    unsubscribing(running);
    manager.tell(changed("A", 6n));
    await expect.poll(() => recordsOf(running)).toEqual([["not_modified", false]]);
    sink.onWrite = () => undefined;
    await subscribe({ names: [A] });
    expect(messages.slice(before)).toMatchObject([{ kind: "initial", secrets: [{ version: 1 }] }, { kind: "synced" }]);
    expect(recordsOf(running).slice(1)).toEqual([["ok", true]]);
  });

  it("is not sent, nor does it count as held, where it is new", async () => {
    const running = await watchingA();
    const { manager, messages, sink, subscribe, watch: own } = running;
    const before = messages.length;
    sink.text = "";
    unsubscribing(running);
    manager.put("A", "a2", 2);
    manager.tell(changed("A", 6n));
    await expect.poll(() => recordsOf(running)).toEqual([["ok", true]]);
    sink.onWrite = () => undefined;
    await subscribe({ names: [nameOf("B")] });
    expect(messages.slice(before)).toMatchObject([{ kind: "synced" }]);
    expect(own.holds(A)).toBe(false);
  });

  it("is not sent of what there is at the beginning either", async () => {
    const running = await watchingA();
    const { messages, sink, subscribe, manager, watch: own } = running;
    const before = messages.length;
    const B = nameOf("B");
    manager.put("B", "b1", 1);
    sink.onWrite = () => {
      own.unsubscribe({ names: [B], prefixes: [] });
    };
    await subscribe({ names: [B] });
    expect(messages.slice(before)).toMatchObject([{ kind: "synced" }]);
    expect(own.holds(B)).toBe(false);
  });
});
