import { copyFileSync, chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, type RunningBroker, startServing } from "./running-broker.js";

/** A broker for the vectors, and the folder its configuration and socket are in. */
export interface VectorBroker extends RunningBroker {
  readonly folder: string;
}

/** Starts the shipped program with the vectors' configuration, as clients/vectors/README.md says. */
export async function startVectorBroker(): Promise<VectorBroker> {
  const folder = mkdtempSync(join(tmpdir(), "sb-vectors-"));
  for (const file of ["config.yaml", "tokens.yaml"]) {
    copyFileSync(join(root, "clients/vectors", file), join(folder, file));
    chmodSync(join(folder, file), 0o600);
  }
  const broker = await startServing(folder, []);
  return {
    ...broker,
    folder,
    stop: async () => {
      const code = await broker.stop();
      rmSync(folder, { recursive: true, force: true });
      return code;
    },
  };
}
