import { readFileSync } from "node:fs";
import { join } from "node:path";
import { peersFolder } from "./peer.js";
import { root } from "./running-broker.js";

/** A release of LiteLLM, in a Python of its own that scripts/ci/install-peers.sh makes. */
export interface LiteLlmRelease {
  /** `LiteLLM 1.105.7`. */
  readonly title: string;
  readonly version: string;
  readonly pythonPath: string;
  /** Its proxy. */
  readonly proxyPath: string;
}

/** The one that the documents are followed with. */
export const newestLiteLlm: LiteLlmRelease = releaseIn("litellm");
/** The one that the plug-in asks for at least. */
export const oldestLiteLlm: LiteLlmRelease = releaseIn("litellm-oldest");

/** What the plug-in is tried with. */
export const litellmReleases: readonly LiteLlmRelease[] = [newestLiteLlm, oldestLiteLlm];

function releaseIn(folder: string): LiteLlmRelease {
  const requirements = readFileSync(join(root, `scripts/ci/${folder}-requirements.txt`), "utf8");
  const version = /^litellm\[proxy\]==(\S+)$/mu.exec(requirements)?.[1];
  if (version === undefined) throw new Error(`scripts/ci/${folder}-requirements.txt names no release of LiteLLM`);
  const programs = join(peersFolder, folder, "bin");
  return {
    title: `LiteLLM ${version}`,
    version,
    pythonPath: join(programs, "python"),
    proxyPath: join(programs, "litellm"),
  };
}
