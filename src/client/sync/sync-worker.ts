import { workerData } from "node:worker_threads";
import { toSecretError } from "../../rpc/encode-status.js";
import { SecretBrokerClient } from "../secret-broker-client.js";
import type { SyncAsk, SyncReply, SyncWorkerData } from "./sync-messages.js";

// The thread that asks the broker while another one waits.
const { port, flag, addresses, options } = workerData as SyncWorkerData;

let givenToken: string | undefined;
const token = options.token ?? ((): string | undefined => givenToken);
const client = new SecretBrokerClient(addresses, { ...options, token });

async function answer({ id, request, timeoutMs, requestId, token: given }: SyncAsk): Promise<SyncReply> {
  givenToken = given;
  try {
    return { id, ok: true, answer: await client.readSecret(request, { timeoutMs, requestId }) };
  } catch (thrown) {
    const { reason, message, metadata, violations, retryAfterMs } = toSecretError(thrown);
    return { id, ok: false, error: { reason, message, metadata, violations, retryAfterMs } };
  }
}

port.on("message", (ask: SyncAsk) => {
  void answer(ask).then((reply) => {
    port.postMessage(reply);
    Atomics.add(flag, 0, 1);
    Atomics.notify(flag, 0);
  });
});
