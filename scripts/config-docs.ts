import { readFileSync } from "node:fs";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { problemsSection, reloadSection } from "./config-behaviour.ts";
import { configurationPage } from "./config-page.ts";

/** The configuration as the program has it, built or from the sources. */
export interface ConfigFacts {
  /** The JSON Schema. */
  readonly schema: unknown;
  /** When each setting takes effect. */
  readonly reloadRules: object;
  /** Reads a text; throws what is wrong with it. */
  readonly parseConfig: (source: { readonly text: string; readonly file: string }) => unknown;
}

/** The files that document the configuration: path in the repository → contents. */
export async function configDocs(facts: ConfigFacts, root: string): Promise<ReadonlyMap<string, string>> {
  const fixture = (name: string): string => readFileSync(join(root, "test", "fixtures", "config", name), "utf8");
  const broken = fixture("with-problems.yaml");
  const closing = [reloadSection(facts.reloadRules), problemsSection(broken, reportOn(broken, facts))];
  const page = configurationPage(facts.schema, { example: fixture("complete.yaml"), closing });
  const file = join(root, "docs", "configuration.md");
  const style = await resolveConfig(file);
  return new Map([
    ["docs/config.schema.json", `${JSON.stringify(facts.schema, undefined, 2)}\n`],
    ["docs/configuration.md", await format(page, { ...style, filepath: file })],
  ]);
}

function reportOn(text: string, { parseConfig }: ConfigFacts): string {
  try {
    parseConfig({ text, file: "config.yaml" });
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error("the configuration with problems has none");
}
