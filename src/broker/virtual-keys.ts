import type { DeleteReply, WriteReply } from "../contract/secret-manager.js";
import { isSecretError, SecretError } from "../domain/secret-error.js";
import { parseSecretName, type SecretName } from "../domain/secret-name.js";
import type { Broker } from "./broker.js";
import type { BrokerSettings, VirtualKeySettings } from "./broker-settings.js";
import type { Call } from "./call.js";
import type { Options } from "./guarded-call.js";
import { runConcurrently } from "./run-concurrently.js";

/** A virtual key to store. */
export interface StoreVirtualKeyRequest {
  readonly alias: string;
  readonly key: string;
  readonly teamId?: string | undefined;
  readonly options?: Options | undefined;
}

/** A virtual key to replace. */
export interface RotateVirtualKeyRequest {
  readonly alias: string;
  /** Empty for the same. */
  readonly newAlias: string;
  readonly key: string;
  readonly options?: Options | undefined;
}

/** The secret a virtual key is stored as, and the version that holds it. */
export interface StoredVirtualKey {
  readonly name: SecretName;
  readonly written: WriteReply;
}

/** What became of one alias. */
export type VirtualKeyDeletion = { readonly alias: string } & (
  { readonly deletion: DeleteReply } | { readonly error: SecretError }
);

/** The tag that holds the team a virtual key belongs to. */
const teamTag = "team_id";

const recoveryWindowInDays = 7;

/** An LLM gateway's virtual keys: secrets under a prefix, with the configured description and tags. */
export class VirtualKeys {
  readonly #broker: Broker;
  readonly #settings: () => BrokerSettings;

  constructor(broker: Broker, settings: () => BrokerSettings) {
    this.#broker = broker;
    this.#settings = settings;
  }

  /** Stores a virtual key under its alias, over an existing one too. */
  async store(call: Call, { alias, key, teamId, options }: StoreVirtualKeyRequest): Promise<StoredVirtualKey> {
    const settings = this.#assertStored();
    const name = nameOf(settings, alias, "alias");
    const tags = { ...settings.tags, ...(teamId !== undefined && { [teamTag]: teamId }) };
    const written = await this.#broker.writeSecret(call, {
      name,
      payload: key,
      options,
      description: settings.description,
      ...(Object.keys(tags).length > 0 && { tags }),
    });
    return { name, written };
  }

  /** Replaces a virtual key under the same alias or a new one; it is never lost on the way. */
  async rotate(call: Call, { alias, newAlias, key, options }: RotateVirtualKeyRequest): Promise<StoredVirtualKey> {
    const settings = this.#assertStored();
    const name = nameOf(settings, alias, "alias");
    const newName = newAlias === "" ? name : nameOf(settings, newAlias, "new_alias");
    return { name: newName, written: await this.#broker.rotateSecret(call, { name, newName, payload: key, options }) };
  }

  /** Deletes virtual keys; one failure never stops the rest. */
  async delete(call: Call, aliases: readonly string[], options: Options | undefined): Promise<VirtualKeyDeletion[]> {
    const settings = this.#assertStored();
    return await runConcurrently(aliases, this.#settings().batchConcurrency, async (alias, index) => {
      try {
        const name = nameOf(settings, alias, `aliases[${String(index)}]`);
        return { alias, deletion: await this.#broker.deleteSecret(call, { name, recoveryWindowInDays, options }) };
      } catch (error) {
        return {
          alias,
          error: isSecretError(error) ? error : new SecretError("INTERNAL_ERROR", "internal error", { cause: error }),
        };
      }
    });
  }

  #assertStored(): VirtualKeySettings {
    const { virtualKeys } = this.#settings();
    if (virtualKeys !== undefined) return virtualKeys;
    const advice = "set key_management_settings.store_virtual_keys to true";
    throw SecretError.unsupported("store_virtual_keys", "this broker's configuration", advice);
  }
}

function nameOf({ prefix }: VirtualKeySettings, alias: string, field: string): SecretName {
  if (alias === "") throw SecretError.fieldInvalid([{ field, description: "must not be empty" }]);
  return parseSecretName(`${prefix}${alias}`, field);
}
