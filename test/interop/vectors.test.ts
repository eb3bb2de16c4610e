import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isSecretError, openSecretStore, SecretBrokerClient, type SecretStore } from "../../src/client/index.js";
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

/** One who calls, and what is kept at hand for it. */
interface Caller {
  readonly client: SecretBrokerClient;
  readonly store: SecretStore;
}

describe("the TypeScript client agrees with the vectors", () => {
  let broker: VectorBroker;
  const open = new Map<string, Caller>();

  beforeAll(async () => {
    broker = await startVectorBroker();
    for (const [name, { token, socket }] of Object.entries(callers)) {
      const address = socket === undefined ? broker.address : `unix:${join(broker.folder, socket)}`;
      const client = new SecretBrokerClient(address, { token });
      open.set(name, { client, store: await openSecretStore({ client }) });
    }
  });

  afterAll(async () => {
    for (const { client, store } of open.values()) {
      store.close();
      client.close();
    }
    expect(await broker.stop()).toBe(0);
  });

  for (const { file, steps } of readVectorFiles()) {
    describe(file, () => {
      const saved = new Map<string, Json>();
      it.each(steps.map((step) => [step.title, step] as const))("%s", { timeout: 30_000 }, async (_title, step) => {
        const caller = open.get(step.as ?? "owner");
        if (caller === undefined) expect.fail("the step names no caller there is");
        const expected = expandArgs(step.error ?? step.expect ?? {}, saved);
        let answer: JsonObject = {};
        const wrong = async (): Promise<string[]> => {
          answer = await answerOf(step, caller, saved);
          return differences(expected, answer, step.error === undefined ? "answer" : "error");
        };
        if (step.eventually === true) await expect.poll(wrong, { timeout: 15_000 }).toEqual([]);
        else expect(await wrong()).toEqual([]);
        for (const [key, member] of Object.entries(step.save ?? {})) saved.set(key, answer[member] ?? null);
      });
    });
  }
});

/** What a step is answered, or how it fails where that is expected or may still change. */
async function answerOf(
  step: VectorStep,
  { client, store }: Caller,
  saved: ReadonlyMap<string, Json>,
): Promise<JsonObject> {
  const call = vectorCalls[step.op];
  if (call === undefined) expect.fail(`the step names no operation there is: ${step.op}`);
  try {
    const answer = await call(client, expandArgs(step.args, saved) as JsonObject, store);
    return step.error === undefined ? answer : { reason: `none; it answered ${JSON.stringify(answer)}` };
  } catch (error) {
    if (!isSecretError(error) || (step.error === undefined && step.eventually !== true)) throw error;
    const { text } = step.args;
    if (typeof text === "string" && text.length < 100) expect(error.message).not.toContain(text);
    return shownError(error);
  }
}
