/** What a host says of itself on its first line. */
export type ReadyLine =
  { readonly ready: true } | { readonly ready: false; readonly reason: string; readonly detail: string };

const maxDetailLength = 400;

/**
 * Reads `{"secret_broker_host": {"ready": …}}`; undefined for any other line.
 *
 * What it says goes into messages, so it is held to printable characters and a length.
 */
export function parseReadyLine(line: string): ReadyLine | undefined {
  if (!line.startsWith('{"secret_broker_host"')) return undefined;
  const said = memberOf(parseJson(line), "secret_broker_host");
  const ready = memberOf(said, "ready");
  if (ready === true) return { ready };
  if (ready !== false) return undefined;
  return { ready, reason: textOf(said, "reason"), detail: textOf(said, "detail") };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, member: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, member) : undefined;
}

function textOf(said: unknown, member: string): string {
  const text = memberOf(said, member);
  return typeof text === "string" ? text.replaceAll(/[\p{C}\u2028\u2029]+/gu, " ").slice(0, maxDetailLength) : "";
}
