import { readFileSync } from "node:fs";
import { parseSignal } from "../exec/on-change.js";
import { UsageError } from "../usage-error.js";

/** Reads a file's mode. @throws UsageError */
export function parseMode(text: string): number {
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new UsageError("--mode must be three octal digits, such as 0600 or 640");
}

/** Who a file belongs to. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Reads `user:group`, each a name or a number. @throws UsageError */
export function parseOwner(text: string): Owner {
  const [user = "", group = "", ...more] = text.split(":");
  if (user === "" || group === "" || more.length > 0) {
    throw new UsageError("--owner must be USER:GROUP, each a name or a number");
  }
  return { uid: idOf(user, "/etc/passwd"), gid: idOf(group, "/etc/group") };
}

function idOf(name: string, file: string): number {
  if (/^\d{1,9}$/.test(name)) return Number(name);
  const lines = readFileSync(file, "utf8").split("\n");
  const [, , id] = lines.map((line) => line.split(":")).find(([known]) => known === name) ?? [];
  if (id !== undefined && /^\d{1,10}$/.test(id)) return Number(id);
  throw new UsageError(`--owner: "${name}" is not in ${file}; give its number instead`);
}

/** A process to tell of a change. */
export interface SignalTarget {
  readonly pidFile: string;
  readonly signal: NodeJS.Signals;
}

/** Reads `PID-FILE:SIGNAL`. @throws UsageError */
export function parseSignalTarget(text: string): SignalTarget {
  const colon = text.lastIndexOf(":");
  if (colon < 1) throw new UsageError("--signal must be PID-FILE:SIGNAL, such as /run/nginx.pid:SIGHUP");
  return { pidFile: text.slice(0, colon), signal: parseSignal(text.slice(colon + 1), "--signal") };
}
