import type { Broker } from "../../broker/broker.js";
import type { SecretWatch } from "../../broker/watch/secret-watch.js";
import type { WatchMessage } from "../../broker/watch/watch-messages.js";
import { SecretError } from "../../domain/secret-error.js";
import { WatchSecretsRequest } from "../../gen/secretbroker/v1/watch.js";
import { toSecretError } from "../../rpc/encode-status.js";
import { parseAck, parseNack, parseSubscribe, parseUnsubscribe } from "../requests/watch-actions.js";
import type { StreamRpc } from "../rpc.js";

/** `SecretBroker.WatchSecrets`. */
export function watchSecrets(broker: Broker): StreamRpc<WatchSecretsRequest, WatchMessage> {
  return {
    request: WatchSecretsRequest,
    handle: (call, stream) => {
      const { watch, run } = broker.watchSecrets(call, (message) => stream.send(message));
      const fail = (thrown: unknown): void => {
        watch.fail(toSecretError(thrown));
      };
      call.onInterruption(fail);
      // The first was let in with the call.
      let isCounted = false;
      stream.listen(async (request) => {
        if (asks(request)) {
          if (isCounted) await stream.awaitTurn();
          isCounted = true;
        }
        await take(request, watch);
      }, fail);
      return run();
    },
  };
}

/** Whether a message counts as a call does. An `ack` asks for nothing: one follows each version that was sent. */
function asks({ action }: WatchSecretsRequest): boolean {
  return action?.$case !== "ack";
}

/** Does what one message asks for; resolves when that has been sent. */
async function take({ action }: WatchSecretsRequest, watch: SecretWatch): Promise<void> {
  switch (action?.$case) {
    case "subscribe":
      await watch.subscribe(parseSubscribe(action.value, watch.size));
      break;
    case "unsubscribe":
      watch.unsubscribe(parseUnsubscribe(action.value));
      break;
    case "ack":
      watch.acknowledge(parseAck(action.value));
      break;
    case "nack":
      watch.refuse(parseNack(action.value));
      break;
    case undefined:
      throw SecretError.fieldInvalid([{ field: "action", description: "must be set" }]);
  }
}
