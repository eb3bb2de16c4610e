import type { Broker } from "../../broker/broker.js";
import { maxSecretNameLength } from "../../domain/secret-name.js";
import { ListSecretsRequest, type ListSecretsResponse } from "../../gen/secretbroker/v1/secret_broker.js";
import { FieldChecks } from "../requests/field-checks.js";
import { tagsField } from "../requests/tags-field.js";
import type { UnaryRpc } from "../rpc.js";
import { wireMetadata } from "./wire-secret.js";

const maxPageSize = 1_000;
const defaultPageSize = 100;
const maxPageTokenLength = 4_096;

/** `SecretBroker.ListSecrets`. */
export function listSecrets(broker: Broker): UnaryRpc<ListSecretsRequest, ListSecretsResponse> {
  return {
    request: ListSecretsRequest,
    handle: async (call, request) => {
      const checks = new FieldChecks();
      const asked = {
        prefix: checks.text("prefix", request.prefix, maxSecretNameLength),
        tags: tagsField(checks, request.tags),
        showDeleted: request.showDeleted,
        pageSize: checks.range("page_size", request.pageSize, [0, maxPageSize]) || defaultPageSize,
        pageToken: checks.text("page_token", request.pageToken, maxPageTokenLength),
        options: request.options,
      };
      checks.assertNone();
      const page = await broker.listSecrets(call, asked);
      return { secrets: page.secrets.map(wireMetadata), nextPageToken: page.nextPageToken ?? "" };
    },
  };
}
