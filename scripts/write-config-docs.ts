// Writes docs/config.schema.json and docs/configuration.md from the built configuration.
// usage: npm run docs
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { reloadRules } from "#built/config/compare-configs.js";
import { configJsonSchema } from "#built/config/config-json-schema.js";
import { parseConfig } from "#built/config/parse-config.js";
import { configDocs } from "./config-docs.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

const facts = { schema: configJsonSchema(), reloadRules, parseConfig };
for (const [file, contents] of await configDocs(facts, root)) writeFileSync(join(root, file), contents);
