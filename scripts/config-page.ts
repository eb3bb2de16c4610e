/** One setting or section as the JSON Schema of the configuration has it: keyword → its value. */
type Setting = Readonly<Record<string, unknown>>;

/** Where a table stands and what it is about. */
interface Section {
  readonly title: string;
  /** The path of the mapping whose keys it lists. */
  readonly path: readonly string[];
  /** Keys that have a table of their own. */
  readonly without?: readonly string[];
  /** Beside what the schema says of it. */
  readonly text?: string;
}

const generated = "<!-- Written by scripts/write-config-docs.ts from the schema; change that, not this page. -->";

const introduction = `A broker reads one YAML file, \`config.yaml\`. LiteLLM can share it: the broker reads two of LiteLLM's settings and its
own section \`secret_broker\`, and leaves everything else alone. \`secret-broker config check FILE\` prints every problem
with its line and column. For editors there is a [JSON Schema](config.schema.json): put
\`# yaml-language-server: $schema=<path to config.schema.json>\` on the first line.

A key without a value means its default. Relative paths are relative to the file's directory. Durations are a number
with its unit, \`ms\`, \`s\`, \`m\` or \`h\`; sizes are a number of bytes, or one with \`B\`, \`KiB\` or \`MiB\`. An unknown key in
\`secret_broker\` is a problem, and so is a near miss of any key the broker reads.`;

const authentication = ["tokens", "jwt", "certificates", "certificates.principals", "forwarded"].map(
  (method) => `authentication.${method}`,
);
const laterSections = [
  ...["timeouts", "cache", "cache.snapshot", "breaker", "metrics", ...authentication],
  ...["policies", "principals", "freezes"],
];

/** Sections with a section of their own within. */
const innerSections: Readonly<Record<string, readonly string[]>> = {
  "authentication.certificates": ["principals"],
  cache: ["snapshot"],
};

const sections: readonly Section[] = [
  {
    title: "general_settings.key_management_settings",
    path: ["general_settings", "key_management_settings"],
    text: "`store_virtual_keys: true` with `access_mode: read_only` is a problem. Settings of LiteLLM's other managers are let through with a warning.",
  },
  { title: "general_settings", path: ["general_settings"], without: ["key_management_settings"] },
  {
    title: "secret_broker",
    path: ["secret_broker"],
    without: [...["encryption", "python", "admin", "audit", "log", "limits"], "authentication", ...laterSections],
  },
  { title: "secret_broker.manager", path: ["secret_broker", "manager"], without: ["tls"] },
  { title: "secret_broker.manager.tls", path: ["secret_broker", "manager", "tls"] },
  ownSection("python"),
  { ...ownSection("listen"), without: ["tls"], text: "As a mapping:" },
  ownSection("listen.tls"),
  ...["encryption", "admin"].map(ownSection),
  { ...ownSection("audit"), without: ["sinks"] },
  ...["audit.sinks", "log"].map(ownSection),
  { ...ownSection("limits"), without: ["per_principal"] },
  { title: "secret_broker.limits.per_principal", path: ["secret_broker", "limits", "per_principal"] },
  ...laterSections.map((name) => ({
    ...ownSection(name),
    without: innerSections[name] ?? [],
  })),
];

function ownSection(name: string): Section {
  return { title: `secret_broker.${name}`, path: ["secret_broker", ...name.split(".")] };
}

/**
 * The page that explains every setting, as Markdown that still has to be formatted.
 * @param schema the JSON Schema of the configuration
 * @param frame a complete configuration, and the sections that follow it
 */
export function configurationPage(
  schema: unknown,
  { example, closing }: { readonly example: string; readonly closing: readonly string[] },
): string {
  const tables = sections.map((section) => sectionText(asSetting(schema), section));
  const complete = `## A complete example\n\n\`\`\`yaml\n${example.trimEnd()}\n\`\`\``;
  return [generated, "# Configuration", introduction, ...tables, complete, ...closing].join("\n\n");
}

/** Every setting of the schema by its path: `secret_broker.limits.max_payload`. */
export function settingPaths(schema: unknown): readonly string[] {
  return propertiesOf(asSetting(schema)).flatMap(([key, setting]) => [
    key,
    ...settingPaths(setting).map((inner) => `${key}.${inner}`),
  ]);
}

function sectionText(schema: Setting, { title, path, without = [], text = "" }: Section): string {
  const section = path.reduce((outer, key) => property(outer, key), schema);
  const rows = propertiesOf(section)
    .filter(([key]) => !without.includes(key))
    .map(([key, setting]) =>
      row([`\`${key}\``, typeOf(setting), defaultOf(setting), boundsOf(setting), meaningOf(setting)]),
    );
  const head = [row(["key", "type", "default", "bound", "meaning"]), row(["---", "---", "---", "---", "---"])];
  const description = [meaningOf(section), text].filter((part) => part !== "").join(" ");
  return [`## \`${title}\``, description, [...head, ...rows].join("\n")].join("\n\n");
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", String.raw`\|`)).join(" | ")} |`;
}

function property(section: Setting, key: string): Setting {
  const found = propertiesOf(section).find(([name]) => name === key);
  if (found === undefined) throw new Error(`the schema has no ${key}`);
  return found[1];
}

/** A section's keys, those of its items for a list; those of all its shapes when it has several, each once. */
function propertiesOf(section: Setting): (readonly [string, Setting])[] {
  const items = asSetting(section["items"]);
  const shapes = [section, items, ...shapesOf(section), ...shapesOf(items)].flatMap((shape) =>
    Object.entries(asSetting(shape["properties"])),
  );
  const found = new Map<string, Setting[]>();
  for (const [key, setting] of shapes) found.set(key, [...(found.get(key) ?? []), asSetting(setting)]);
  return [...found].map(([key, settings]) => [key, merged(settings)]);
}

/** The same key of several shapes: a constant in each is a choice. */
function merged(settings: readonly Setting[]): Setting {
  const constants = settings.flatMap((setting) => ("const" in setting ? [setting["const"]] : []));
  const described = settings.find((setting) => "description" in setting) ?? {};
  return constants.length > 0 ? { ...described, enum: constants, required: true } : (settings[0] ?? {});
}

function shapesOf({ anyOf, oneOf }: Setting): Setting[] {
  return [anyOf, oneOf].flatMap((shapes) => (Array.isArray(shapes) ? shapes.map(asSetting) : []));
}

function typeOf(setting: Setting): string {
  const own = setting["x-type"];
  if (typeof own === "string") return own;
  if (Array.isArray(setting["enum"])) return choices(setting["enum"]);
  const types = [setting, ...shapesOf(setting)].flatMap(({ type }) => type).filter(isTypeName);
  return [...new Set(types)].map((type) => typeNames[type] ?? type).join(" or ");
}

const typeNames: Readonly<Record<string, string>> = {
  object: "mapping",
  array: "list",
  integer: "whole number",
  boolean: "`true` or `false`",
};

function isTypeName(type: unknown): type is string {
  return typeof type === "string" && type !== "null";
}

function choices(values: readonly unknown[]): string {
  return values
    .filter((value) => typeof value === "string")
    .map((value) => `\`${value}\``)
    .join(", ");
}

function defaultOf(setting: Setting): string {
  const own = setting["x-default"];
  if (typeof own === "string") return own;
  if (setting["required"] === true) return "required";
  const standard = setting["default"];
  return standard === undefined ? "none" : `\`${JSON.stringify(standard)}\``;
}

function boundsOf(setting: Setting): string {
  const { minimum, maximum, minLength, maxLength } = setting;
  const own = setting["x-bounds"];
  if (typeof own === "string") return own;
  if (typeof minimum === "number" && typeof maximum === "number") return `${shown(minimum)} to ${shown(maximum)}`;
  if (typeof maxLength !== "number") return "";
  const least = typeof minLength === "number" ? `${shown(minLength)} to ` : "at most ";
  return `${least}${shown(maxLength)} characters`;
}

function shown(amount: number): string {
  return amount.toLocaleString("en-US");
}

function meaningOf({ description }: Setting): string {
  return typeof description === "string" ? description : "";
}

function asSetting(value: unknown): Setting {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
