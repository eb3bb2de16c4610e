import type { ListenAddress } from "./config.js";
import type { ConfigProblems } from "./config-problems.js";
import { isSameAddress, parseAdminAddress, parseListenAddress } from "./listen-address.js";

/** Addresses that replace the file's, from the command line. */
export interface ListenOverride {
  /** None to leave those of the file. */
  readonly listen: readonly string[];
  /** For metrics and health, or `off`; undefined to leave that of the file. */
  readonly adminListen?: string | undefined;
  /** What a relative path of a socket is relative to; absolute. */
  readonly directory: string;
}

/** The addresses in place of the file's; undefined where those of the file stay. */
export interface ReadOverride {
  readonly listen: readonly ListenAddress[] | undefined;
  readonly admin: { readonly address: ListenAddress | undefined } | undefined;
}

/** Reads the addresses, noting those that are wrong by their place among several. */
export function readListenOverride(problems: ConfigProblems, override: ListenOverride): ReadOverride {
  const { listen, adminListen } = override;
  return {
    listen: listen.length === 0 ? undefined : readListen(problems, override),
    admin: adminListen === undefined ? undefined : readAdmin(problems, adminListen, override.directory),
  };
}

function readListen(problems: ConfigProblems, { listen, directory }: ListenOverride): readonly ListenAddress[] {
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

function readAdmin(problems: ConfigProblems, text: string, directory: string): ReadOverride["admin"] {
  const parsed = parseAdminAddress(text, directory);
  if (!("problem" in parsed)) return parsed;
  problems.refuseOption("--admin-listen", parsed.problem);
  return undefined;
}
