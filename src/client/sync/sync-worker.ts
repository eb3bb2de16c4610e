import { workerData } from "node:worker_threads";
import { toSecretError } from "../../rpc/encode-status.js";
import { SecretBrokerClient } from "../secret-broker-client.js";
import type { SyncAsk, SyncReply, SyncWorkerData } from "./sync-messages.js";

// The thread that asks the broker while another one waits.
const { port, flag, addresses, options, given } = workerData as SyncWorkerData;

let latest: Pick<SyncAsk, "token" | "tls"> = { token: undefined, tls: {} };
const token = options.token ?? ((): string | undefined => latest.token);
const parts = given.map((part) => [part, (): string | Uint8Array => latest.tls[part] ?? ""] as const);
const tls = typeof options.tls === "object" ? { ...options.tls, ...Object.fromEntries(parts) } : options.tls;
const client = new SecretBrokerClient(addresses, { ...options, token, tls });

async function answer(ask: SyncAsk): Promise<SyncReply> {
  const { id, request, timeoutMs, requestId } = ask;
  latest = ask;
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
