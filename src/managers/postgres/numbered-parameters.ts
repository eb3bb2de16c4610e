// text → the same with $1, $2, …
const rewritten = new Map<string, string>();

/** How many texts are remembered; the store has a few dozen. */
const maxRemembered = 1_000;

/** Rewrites `?` as PostgreSQL wants its parameters; each text once. */
export function numberParameters(sql: string): string {
  const known = rewritten.get(sql);
  if (known !== undefined) return known;
  let count = 0;
  const numbered = sql.replaceAll("?", () => `$${String((count += 1))}`);
  if (rewritten.size >= maxRemembered) rewritten.clear();
  rewritten.set(sql, numbered);
  return numbered;
}
