/** When a changed setting takes effect. */
interface ReloadRule {
  readonly setting: string;
  readonly needsRestart: boolean;
}

/**
 * Says how a changed file takes effect, and which settings wait for a restart.
 * @param rules the rules, in groups or alone
 */
export function reloadSection(rules: object): string {
  const all = rulesIn(rules);
  const list = (needsRestart: boolean): string =>
    all
      .filter((rule) => rule.needsRestart === needsRestart)
      .map(({ setting }) => `- ${setting.replaceAll(/[a-z_.]*_[a-z_.]*[a-z]|listen/gu, "`$&`")}`)
      .join("\n");
  return `## When the file changes

The broker reads the file again when its bytes change, however it is replaced, and on SIGHUP. A file with a problem
changes nothing: the configuration in force stays, and the log says what is wrong. No call is dropped; each ends under
the configuration it began with. Addresses from \`--listen\` and \`--admin-listen\` stay in place of the file's.

These take effect at once:

${list(false)}

These stay as they are until the broker is started again. Until then each reload names in the log what waits:

${list(true)}`;
}

/**
 * Shows how problems are reported.
 * @param text a configuration with problems
 * @param report what is said of it
 */
export function problemsSection(text: string, report: string): string {
  return `## Problems

All problems of a file are reported at once, in its order, at start and by \`secret-broker config check FILE\`, which
then exits with 1. Each line has the file, the line and the column, from 1, so that editors jump there, and says what to
do. Values are never shown, as a secret may stand in the wrong place; nor are keys that are not plain words. Of this file

\`\`\`yaml invalid
${text.trimEnd()}
\`\`\`

is said:

\`\`\`text
${report.trimEnd()}
\`\`\``;
}

function rulesIn(value: unknown): ReloadRule[] {
  if (typeof value !== "object" || value === null) return [];
  return isRule(value) ? [value] : Object.values(value).flatMap(rulesIn);
}

function isRule(value: object): value is ReloadRule {
  return "setting" in value && "needsRestart" in value;
}
