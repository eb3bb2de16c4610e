import type { Command } from "commander";
import type { StoreKey } from "../app/store-keys.js";
import { addOutputOptions, type CommandContext, type OutputOptions, withInherited } from "./command-context.js";
import { configuredManager } from "./load-configuration.js";
import { formatTable } from "./format-table.js";

interface KeyOptions extends OutputOptions {
  readonly config: string;
}

type KeyAction = (context: CommandContext, options: KeyOptions) => Promise<void>;

/** Declares `key status`, `key rotate` and `key rewrap`, which work beside a broker that serves, or without one. */
export function addKeyCommand(program: Command, context: CommandContext): void {
  const key = program.command("key").description("show or change the keys that a store is encrypted with");
  const declare = (name: string, description: string, action: KeyAction): void => {
    const command = key
      .command(name)
      .description(description)
      .requiredOption("--config <file>", "the config.yaml")
      .action((own: KeyOptions, self: Command) => action(context, withInherited(own, self)));
    addOutputOptions(command);
  };
  declare("status", "show the keys, the current one first, and how many versions each opens", showKeys);
  declare("rotate", "make a new key the current one; a running broker takes it over", rotateKey);
  declare("rewrap", "put everything under the current key, so that the others are not needed any more", rewrap);
}

async function showKeys({ output }: CommandContext, { config, json }: KeyOptions): Promise<void> {
  const { listStoreKeys } = await import("../app/store-keys.js");
  const keys = await listStoreKeys(await configuredManager(config));
  if (json) await output.document({ keys });
  else await output.result(formatTable([["KEY", "STATE", "VERSIONS", "MADE"], ...keys.map(rowOf)]));
}

function rowOf({ id, state, versions, createTime }: StoreKey): readonly string[] {
  return [id, state, String(versions), createTime ?? ""];
}

async function rotateKey({ output }: CommandContext, { config, json }: KeyOptions): Promise<void> {
  const { rotateStoreKey } = await import("../app/store-keys.js");
  const rotated = rotateStoreKey(await configuredManager(config));
  if (json) {
    await output.document(rotated);
    return;
  }
  await output.line(`the current key is ${rotated.id}`);
  await output.note(`copy ${rotated.path} to where you keep a copy; without its keys no secret can be read again`);
}

async function rewrap({ output }: CommandContext, { config, json }: KeyOptions): Promise<void> {
  const { rewrapStore } = await import("../app/store-keys.js");
  const versions = await rewrapStore(await configuredManager(config));
  if (json) await output.document({ versions });
  else await output.line(`wrapped ${String(versions)} data keys with the current key`);
}
