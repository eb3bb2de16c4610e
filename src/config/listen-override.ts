import type { ListenAddress } from "./config.js";
import type { ConfigProblems } from "./config-problems.js";
import { isSameAddress, parseListenAddress } from "./listen-address.js";

/** Addresses that replace the file's, from the command line. */
export interface ListenOverride {
  /** At least one. */
  readonly listen: readonly string[];
  /** What a relative path of a socket is relative to; absolute. */
  readonly directory: string;
}

/** Reads the addresses, noting those that are wrong by their place among several. */
export function readListenOverride(problems: ConfigProblems, { listen, directory }: ListenOverride): ListenAddress[] {
  const found: ListenAddress[] = [];
  for (const [index, text] of listen.entries()) {
    const which = listen.length === 1 ? "" : `address ${String(index + 1)} of ${String(listen.length)} `;
    const parsed = parseListenAddress(text, directory);
    if ("problem" in parsed) {
      problems.refuseOption("--listen", `${which}${parsed.problem}`);
    } else if (found.some((other) => isSameAddress(other, parsed.address))) {
      problems.refuseOption("--listen", `${which}is given twice; give it once`);
    } else {
      found.push(parsed.address);
    }
  }
  return found;
}
