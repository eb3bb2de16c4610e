import { registerHooks, type ResolveFnOutput } from "node:module";
import { untypedFormat } from "./untyped-format.js";

// specifier → our own running module; undefined until the hooks are registered
let served: ReadonlyMap<string, URL> | undefined;

/**
 * Makes this package's doors resolve to the running copy, from any folder, with or without node_modules.
 *
 * A user's class can then `import { CustomSecretManager } from "secret-broker/contract"` anywhere, and there is a single
 * copy even where another one is installed beside it. Besides, a file of the user's that says neither by its extension
 * nor by a package.json what it is, is recognised by its syntax, without Node's warning about it. The hooks are
 * registered once for the whole process; a later call only replaces the doors. They bear on what is imported afterwards.
 * @param doors specifier → the URL of the module
 */
export function registerDoors(doors: ReadonlyMap<string, URL>): void {
  const isRegistered = served !== undefined;
  served = new Map(doors);
  if (isRegistered) return;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const door = served?.get(specifier);
      if (door !== undefined) return { url: door.href, format: "module", shortCircuit: true };
      return withFormat(nextResolve(specifier, context));
    },
  });
}

/** Adds the format where Node would have to guess it. */
function withFormat(resolved: ResolveFnOutput): ResolveFnOutput {
  if (resolved.format !== undefined && resolved.format !== null) return resolved;
  const format = untypedFormat(resolved.url);
  return format === undefined ? resolved : { ...resolved, format };
}
