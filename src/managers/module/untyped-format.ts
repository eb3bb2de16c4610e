import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { fileURLToPath } from "node:url";
import { compileFunction } from "node:vm";

/** The formats Node would find by itself, with a warning. */
export type UntypedFormat = "module" | "module-typescript";

/** What a CommonJS compiler says of an ES module. */
const esSyntax = /^(?:Cannot use import statement outside a module|Unexpected token 'export')/;

const commonJsParameters = ["exports", "require", "module", "__filename", "__dirname"];

/**
 * Tells that a .js or .ts file is an ES module when only its syntax says so.
 *
 * Undefined whenever Node decides without a warning: another extension, a package.json with a type, CommonJS, a file
 * inside node_modules, one that does not parse.
 */
export function untypedFormat(url: string): UntypedFormat | undefined {
  if (!/^file:.*\.[jt]s$/.test(url) || url.includes("/node_modules/") || packageHasType(url)) return undefined;
  const isTypeScript = url.endsWith(".ts");
  const source = readSource(url);
  if (source === undefined || !isEsModule(source, isTypeScript)) return undefined;
  return isTypeScript ? "module-typescript" : "module";
}

function packageHasType(url: string): boolean {
  try {
    const file = findPackageJSON(url);
    if (file === undefined) return false;
    const content: unknown = JSON.parse(readFileSync(file, "utf8"));
    return typeof content === "object" && content !== null && "type" in content;
  } catch {
    // Node reports a broken package.json better than we could.
    return true;
  }
}

function isEsModule(source: string, isTypeScript: boolean): boolean {
  try {
    // Compiling runs nothing.
    compileFunction(source, commonJsParameters);
    return false;
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) return false;
    return esSyntax.test(thrown.message) || (isTypeScript && looksLikeEsModule(source));
  }
}

/**
 * The answer for TypeScript whose types come before its first import or export, where the compiler stops.
 *
 * Both ways of being wrong are harmless: a file without `exports` exports nothing as CommonJS, and else Node decides.
 */
function looksLikeEsModule(source: string): boolean {
  return /^\s*(?:import|export)\b/m.test(source) && !/\bexports\b/.test(source);
}

function readSource(url: string): string | undefined {
  try {
    return readFileSync(fileURLToPath(url), "utf8");
  } catch {
    return undefined;
  }
}
