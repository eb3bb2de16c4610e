import { constants } from "node:os";
import { UsageError } from "../usage-error.js";

/** What is done when a secret has another value. */
export type OnChange =
  | { readonly kind: "ignore" }
  | { readonly kind: "restart" }
  | { readonly kind: "signal"; readonly signal: NodeJS.Signals };

/** Reads `restart`, `signal:SIGHUP` or `ignore`. @throws UsageError */
export function parseOnChange(text: string): OnChange {
  if (text === "ignore" || text === "restart") return { kind: text };
  if (text.startsWith("signal:")) return { kind: "signal", signal: parseSignal(text.slice(7), "--on-change") };
  throw new UsageError("--on-change must be restart, signal:SIGNAL such as signal:SIGHUP, or ignore");
}

/** Reads the name of a signal. @throws UsageError */
export function parseSignal(text: string, option: string): NodeJS.Signals {
  if (isSignal(text)) return text;
  throw new UsageError(`${option} must name a signal in full, such as SIGHUP or SIGUSR1`);
}

function isSignal(text: string): text is NodeJS.Signals {
  return Object.hasOwn(constants.signals, text);
}
