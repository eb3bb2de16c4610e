import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isSecretError, SecretBrokerClient } from "../../src/client/index.js";
import {
  type Callers,
  differences,
  expandArgs,
  type Json,
  type JsonObject,
  readCallers,
  readVectorFiles,
  type VectorStep,
} from "./run-vectors.js";
import { startVectorBroker, type VectorBroker } from "./vector-broker.js";
import { shownError, vectorCalls } from "./vector-calls.js";

const callers: Callers = readCallers();

describe("the TypeScript client agrees with the vectors", () => {
  let broker: VectorBroker;
  const clients = new Map<string, SecretBrokerClient>();

  beforeAll(async () => {
    broker = await startVectorBroker();
    for (const [name, { token, socket }] of Object.entries(callers)) {
      const address = socket === undefined ? broker.address : `unix:${join(broker.folder, socket)}`;
      clients.set(name, new SecretBrokerClient(address, { token }));
    }
  });

  afterAll(async () => {
    for (const client of clients.values()) client.close();
    expect(await broker.stop()).toBe(0);
  });

  for (const { file, steps } of readVectorFiles()) {
    // A client that lacks an operation leaves out the files that need it: this one has no cached get.
    if (steps.some(({ op }) => vectorCalls[op] === undefined)) continue;
    describe(file, () => {
      const saved = new Map<string, Json>();
      it.each(steps.map((step) => [step.title, step] as const))("%s", async (_title, step) => {
        const client = clients.get(step.as ?? "owner");
        const call = vectorCalls[step.op];
        if (client === undefined || call === undefined) expect.fail("the step names no caller or operation there is");
        const answer = await answerOf(step, () => call(client, expandArgs(step.args, saved) as JsonObject));
        const expected = expandArgs(step.error ?? step.expect ?? {}, saved);
        expect(differences(expected, answer, step.error === undefined ? "answer" : "error")).toEqual([]);
        for (const [key, member] of Object.entries(step.save ?? {})) saved.set(key, answer[member] ?? null);
      });
    });
  }
});

/** What a call answers, or how it fails where it must. */
async function answerOf(step: VectorStep, call: () => Promise<JsonObject>): Promise<JsonObject> {
  if (step.error === undefined) return call();
  try {
    return { reason: `none; it answered ${JSON.stringify(await call())}` };
  } catch (error) {
    if (!isSecretError(error)) throw error;
    const { text } = step.args;
    if (typeof text === "string" && text.length < 100) expect(error.message).not.toContain(text);
    return shownError(error);
  }
}
